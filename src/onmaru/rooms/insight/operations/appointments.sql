SELECT coalesce(service, '') AS kind, count(*) AS appointments,
    count(*) FILTER (status = 'noshow') AS missed, count(*) FILTER (status = 'cancelled') AS cancelled,
    count(*) FILTER (status IN ('noshow', 'arrived', 'checked-in', 'fulfilled')) AS due
FROM appointments WHERE within(began) AND status <> 'entered-in-error'
GROUP BY ALL ORDER BY appointments DESC, kind LIMIT 30
