-- tables: monitor_reading
-- The numbers of one person in stretches of `every` µs, by measure and unit: the least, the most, their mean, and how many.
SELECT measure, unit, (low - :after) - (low - :after) % :every AS start, MIN(number) AS least, MAX(number) AS most, AVG(number) AS mean, COUNT(*) AS n
FROM (
    SELECT measure, unit, low, CASE WHEN measure <> 'consciousness' THEN CAST(value AS DOUBLE) END AS number
    FROM monitor_reading
    WHERE _patient = :patient AND low > :after AND low <= :upto
) AS numbers
WHERE number IS NOT NULL
GROUP BY measure, unit, (low - :after) - (low - :after) % :every
ORDER BY measure, start, unit
