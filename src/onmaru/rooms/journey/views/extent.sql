-- tables: journey_item
-- How many items of each kind, from when to when, how many of unknown time, and how many not normal.
SELECT kind,
       COUNT(*) AS n,
       MIN(low) AS low,
       MAX(low) AS last,
       SUM(CASE WHEN low IS NULL THEN 1 ELSE 0 END) AS undated
FROM journey_item
WHERE _patient = :patient
GROUP BY kind
ORDER BY kind
