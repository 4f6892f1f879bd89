SELECT p.id AS provider_id, p.name AS provider_name, p.npi, NULL AS dea, CASE WHEN r.specialty <> '' THEN coalesce(m.target, 0) END AS specialty_concept_id,
    c.id AS care_site_id, p.year AS year_of_birth, CASE WHEN p.gender <> '' THEN coalesce(g.target, 0) END AS gender_concept_id,
    p.source AS provider_source_value, r.specialty AS specialty_source_value,
    CASE WHEN r.specialty <> '' THEN coalesce(m.source_concept, 0) END AS specialty_source_concept_id,
    p.gender AS gender_source_value, CASE WHEN p.gender <> '' THEN 0 END AS gender_source_concept_id,
    p._source, p._version, p._t, p._patient, p._patients, p._labels
FROM @omop_provider p
LEFT JOIN (SELECT * FROM @omop_role QUALIFY row_number() OVER (PARTITION BY provider ORDER BY _source) = 1) r
    ON r.provider = p.id
LEFT JOIN @omop_site c ON c.id = r.site
LEFT JOIN @omop_mapping m ON m.key = r.specialty_key AND m.nth = 0
LEFT JOIN @omop_mapping g ON g.key = p.gender_key AND g.nth = 0
