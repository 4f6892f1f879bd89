-- What these tables are made by and of. The CDM asks for concepts that its vocabulary has not for these: 0.
SELECT nth AS metadata_id, 0 AS metadata_concept_id, 0 AS metadata_type_concept_id, name, value AS value_as_string,
    NULL AS value_as_concept_id, number AS value_as_number, NULL AS metadata_date, NULL AS metadata_datetime,
    '' AS _source, 0 AS _version, 0 AS _t, '' AS _patient, '' AS _patients, '' AS _labels
FROM (
    SELECT 1 AS nth, 'source' AS name, :source_name AS value, NULL AS number
    UNION ALL SELECT 2, 'made by', 'Onmaru, room omop', NULL
    UNION ALL SELECT 3, 'version of the derivation', NULL, {version}
    UNION ALL SELECT 4, 'decisions of ConceptMaps', NULL, (SELECT count(*) FROM @omop_maps)
)
