-- Facts with the concepts of their codes, one row for each standard concept; `home` is the CDM table that its domain names.
SELECT f.* EXCLUDE (id, system, code, value, unit_key, route_key, status_key, operator_key, kind, codes, _patients),
    CASE WHEN coalesce(m.nth, 0) = 0 THEN f.id ELSE xor(f.id, m.target * 2147483648) END AS id,
    CASE WHEN p.more = '' THEN f._patients ELSE f._patients || ' ' || p.more END AS _patients,
    p.person AS person_id, v.visit AS visit_id, v.detail AS detail_id, s.provider_id,
    coalesce(m.target, 0) AS concept, coalesce(m.source_concept, 0) AS source_concept,
    coalesce(m.code, f.source_value, '') AS source_code,
    CASE m.domain {domains} ELSE f.usual END AS home,
    CASE WHEN m.value IS NOT NULL THEN m.value WHEN f.value IS NOT NULL THEN coalesce(w.target, 0) END AS value_concept,
    CASE WHEN f.unit <> '' THEN coalesce(u.target, 0) END AS unit_concept,
    CASE WHEN f.unit <> '' THEN coalesce(u.source_concept, 0) END AS unit_source_concept,
    CASE WHEN f.route <> '' THEN coalesce(r.target, 0) END AS route_concept,
    CASE WHEN f.status <> '' THEN coalesce(st.target, 0) END AS status_concept,
    CASE WHEN f.operator <> '' THEN coalesce(o.target, 0) END AS operator_concept,
    coalesce(y.target, 0) AS type_concept,
    coalesce(nullif(f.device, ''), t.device) AS device_id, coalesce(nullif(f.production, ''), t.production) AS production_id
FROM @omop_fact f
JOIN @omop_people p ON p.id = f.person
LEFT JOIN @omop_visits v ON v.id = f.visit AND v.person = p.person
LEFT JOIN @provider s ON s.provider_id = f.provider
LEFT JOIN @omop_things t ON t.id = f.thing
LEFT JOIN @omop_mapping m ON m.key = CASE WHEN f.thing IS NULL THEN f.code ELSE coalesce(t.code, f.code) END
LEFT JOIN @omop_mapping w ON w.key = f.value AND w.nth = 0
LEFT JOIN @omop_mapping u ON u.key = f.unit_key AND u.nth = 0
LEFT JOIN @omop_mapping r ON r.key = f.route_key AND r.nth = 0
LEFT JOIN @omop_mapping st ON st.key = f.status_key AND st.nth = 0
LEFT JOIN @omop_mapping o ON o.key = f.operator_key AND o.nth = 0
LEFT JOIN @omop_mapping y ON y.key = f.kind AND y.nth = 0
