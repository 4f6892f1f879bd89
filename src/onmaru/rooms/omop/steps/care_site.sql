SELECT s.id AS care_site_id, s.name AS care_site_name, CASE WHEN s.type <> '' THEN coalesce(m.target, 0) END AS place_of_service_concept_id,
    s.place AS location_id, s.source AS care_site_source_value, s.type AS place_of_service_source_value,
    s._source, s._version, s._t, s._patient, s._patients, s._labels
FROM @omop_site s
LEFT JOIN @omop_mapping m ON m.key = s.type_key AND m.nth = 0
