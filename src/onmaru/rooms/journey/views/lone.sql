-- tables: journey_item
-- The items that begin at one of these instants: what a cluster of one is.
SELECT _source AS source, kind, low, high, written, ko, en, value, unit, flag
FROM journey_item
WHERE _patient = :patient
  AND low IN ({instants})
ORDER BY low, kind, _source
