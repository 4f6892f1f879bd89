-- tables: monitor_reading
-- Of one person's readings since `start`, the newest of each measure and hour; `since` µs from `start` to the hour's own.
SELECT measure, since, value, unit, source
FROM (
    SELECT measure, (low - :start) - (low - :start) % 3600000000 AS since, value, unit, _source AS source,
           ROW_NUMBER() OVER (
               PARTITION BY measure, (low - :start) - (low - :start) % 3600000000 ORDER BY low DESC, _source DESC
           ) AS place
    FROM monitor_reading
    WHERE _patient = :patient AND low >= :start AND low <= :upto
) AS hourly
WHERE place = 1
ORDER BY measure, since
