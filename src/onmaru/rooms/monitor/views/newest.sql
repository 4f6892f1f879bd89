-- tables: monitor_reading, journey_stay
-- The newest `most` readings of each measure of everybody who is here, at most so old.
SELECT patient, measure, low, value, unit, source
FROM (
    SELECT r._patient AS patient, r.measure, r.low, r.value, r.unit, r._source AS source,
           ROW_NUMBER() OVER (PARTITION BY r._patient, r.measure ORDER BY r.low DESC, r._source DESC) AS place
    FROM monitor_reading AS r
    WHERE r._patient IN (SELECT s._patient FROM journey_stay AS s) AND r.low > :after AND r.low <= :upto
) AS found
WHERE place <= :most
ORDER BY patient, measure, low DESC, source
