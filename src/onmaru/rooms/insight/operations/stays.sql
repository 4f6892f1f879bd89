SELECT coalesce(class, '') AS kind, count(*) AS visits, median(days) AS median, quantile_cont(days, 0.9) AS p90
FROM (
    SELECT DISTINCT stay, class, date_diff('minute', moment(began), moment(ended)) / 1440.0 AS days
    FROM stays WHERE status = 'finished' AND within(ended)
)
WHERE days >= 0 GROUP BY ALL ORDER BY kind
