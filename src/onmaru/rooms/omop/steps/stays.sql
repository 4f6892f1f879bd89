-- Encounters with what their codes and references lead to: one of its own is a visit, one that is part of another a detail.
SELECT f.* EXCLUDE (class_key, admit_key, discharge_key, episode_key, kind, codes, _patients),
    v.visit AS visit_id, v.detail, v.parent, o.day AS last_day, s.provider_id, c.care_site_id,
    CASE WHEN p.more = '' THEN f._patients ELSE f._patients || ' ' || p.more END AS _patients, p.person AS person_id,
    coalesce(k.target, 0) AS concept, coalesce(y.target, 0) AS type_concept,
    CASE WHEN f.admit <> '' THEN coalesce(a.target, 0) END AS admit_concept,
    CASE WHEN f.discharge <> '' THEN coalesce(d.target, 0) END AS discharge_concept
FROM @omop_visit f
JOIN @omop_people p ON p.id = f.person
JOIN @omop_visits v ON v.id = f.id
LEFT JOIN @omop_open o ON o.id = f.id
LEFT JOIN @provider s ON s.provider_id = f.provider
LEFT JOIN @care_site c ON c.care_site_id = f.site
LEFT JOIN @omop_mapping k ON k.key = f.class_key AND k.nth = 0
LEFT JOIN @omop_mapping a ON a.key = f.admit_key AND a.nth = 0
LEFT JOIN @omop_mapping d ON d.key = f.discharge_key AND d.nth = 0
LEFT JOIN @omop_mapping y ON y.key = f.kind AND y.nth = 0
