-- tables: journey_reading
-- The latest standing value of each vital sign.
SELECT r._source AS source, r.code, r.low, r.written, r.ko, r.en, r.number, r.value, r.unit, r.flag, r.status,
       r.range_low, r.range_high
FROM journey_reading AS r
JOIN (
    SELECT code, MAX(low) AS low
    FROM journey_reading
    WHERE _patient = :patient AND vital = 1
    GROUP BY code
) AS latest ON latest.code = r.code AND latest.low = r.low
WHERE r._patient = :patient AND r.vital = 1
ORDER BY r.code, r._source
