WITH answered AS (
    SELECT o.request, o.category, o.authored, min(moment(r.issued)) AS issued, bool_or(r.request IS NOT NULL) AS reported
    FROM requests o
    LEFT JOIN reports r ON r.request = o.request AND r.status IN ('final', 'amended', 'corrected', 'appended')
    WHERE o.status IN ('active', 'completed') AND within(o.authored) GROUP BY ALL
),
timed AS (SELECT *, date_diff('minute', moment(authored), issued) / 60.0 AS hours FROM answered)
SELECT coalesce(category, '') AS kind, count(*) AS requests, count(*) FILTER (NOT reported) AS open,
    median(hours) FILTER (hours >= 0) AS median, quantile_cont(hours, 0.9) FILTER (hours >= 0) AS p90
FROM timed GROUP BY ALL ORDER BY requests DESC, kind LIMIT 30
