-- tables: journey_item
-- Contacts, problems and courses of medication that began before `start` and last into the window, the latest
-- first; only what has a period, for a single date is over when its day is.
SELECT _source AS source, kind, low, high, written, ko, en, status
FROM journey_item
WHERE _patient = :patient
  AND low < :start
  AND (high IS NULL OR high > :start)
  AND written LIKE '%/%'
  AND kind IN ('encounter', 'condition', 'medication')
  AND (:kinds = '' OR :kinds LIKE '%|' || kind || '|%')
ORDER BY low DESC, _source
LIMIT :count
