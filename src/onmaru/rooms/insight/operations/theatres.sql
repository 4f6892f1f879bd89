-- Operations are Procedures that name their place and have a beginning and an end
SELECT coalesce(p.name, o.location) AS theatre, count(*) AS operations, count(DISTINCT day) AS days, CAST(sum(minutes) AS BIGINT) AS minutes
FROM (
    SELECT location, left(began, 10) AS day, date_diff('minute', moment(began), moment(ended)) AS minutes
    FROM operations WHERE status IN ('completed', 'in-progress') AND location IS NOT NULL AND within(began)
) o LEFT JOIN places p ON p.location = o.location
WHERE minutes >= 0 GROUP BY ALL ORDER BY minutes DESC, theatre LIMIT 50
