-- tables: journey_item
-- Items that begin in [start, stop), counted by kind and bucket; where n is 1 the minima are the item itself.
SELECT kind,
       (low - :start) - (low - :start) % :bucket AS slot,
       COUNT(*) AS n,
       MIN(low) AS low,
       MAX(low) AS last,
       MAX(high) AS high,
       SUM(CASE WHEN high IS NULL THEN 1 ELSE 0 END) AS open,
       SUM(CASE WHEN flag <> '' THEN 1 ELSE 0 END) AS flagged,
       MAX(CASE WHEN flag IN ('HH', 'LL', 'AA') THEN 1 ELSE 0 END) AS critical,
       MIN(_source) AS source,
       MIN(ko) AS ko,
       MIN(en) AS en,
       MIN(value) AS value,
       MIN(unit) AS unit,
       MIN(flag) AS flag,
       MIN(written) AS written
FROM journey_item
WHERE _patient = :patient
  AND low >= :start
  AND low < :stop
  AND (:kinds = '' OR :kinds LIKE '%|' || kind || '|%')
GROUP BY kind, (low - :start) - (low - :start) % :bucket
ORDER BY kind, slot
