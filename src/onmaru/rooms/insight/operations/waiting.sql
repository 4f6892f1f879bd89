SELECT kind, unit, count(*) AS visits, median(waited) AS median, quantile_cont(waited, 0.9) AS p90
FROM (
    SELECT 'booking' AS kind, 'days' AS unit, date_diff('minute', moment(created), moment(began)) / 1440.0 AS waited
    FROM appointments WHERE status IN ('booked', 'arrived', 'checked-in', 'fulfilled', 'noshow') AND within(began)
    UNION ALL
    SELECT 'arrival', 'minutes', date_diff('second', moment(arrived), moment(seen)) / 60.0
    FROM arrivals WHERE within(arrived)
)
WHERE waited >= 0 GROUP BY ALL ORDER BY kind DESC
