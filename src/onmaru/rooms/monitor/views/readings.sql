-- tables: monitor_reading
-- The newest readings of each measure of one person, at most `most` of each, newest first.
SELECT measure, low, value, unit, source
FROM (
    SELECT measure, low, value, unit, _source AS source,
           ROW_NUMBER() OVER (PARTITION BY measure ORDER BY low DESC, _source DESC) AS place
    FROM monitor_reading
    WHERE _patient = :patient AND low > :after AND low <= :upto
) AS newest
WHERE place <= :most
ORDER BY measure, low DESC, source
