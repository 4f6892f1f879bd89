SELECT coalesce(text, display, code, '') AS kind, count(*) AS active
FROM flags WHERE status = 'active' GROUP BY ALL ORDER BY active DESC, kind LIMIT 30
