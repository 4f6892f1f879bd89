-- Medications and Devices, whose codes stand for what refers to them; `targets` changes when their mapping does.
SELECT t.id, t.code, t.device, t.production, coalesce(m.targets, '') AS targets,
    t._source, t._version, t._t, t._patient, t._patients, t._labels
FROM @omop_thing t
LEFT JOIN (
    SELECT key, string_agg(target || ' ' || source_concept || ' ' || coalesce(domain, ''), ',' ORDER BY nth) AS targets
    FROM @omop_mapping GROUP BY key
) m ON m.key = t.code
