SELECT coalesce(class, '') AS kind, count(DISTINCT stay) AS visits
FROM stays WHERE status = 'in-progress' GROUP BY ALL ORDER BY kind
