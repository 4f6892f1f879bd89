SELECT :source_name AS cdm_source_name, left(:source_name, 25) AS cdm_source_abbreviation, :source_name AS cdm_holder, 'Made by Onmaru of the FHIR R4 record' AS source_description,
    NULL AS source_documentation_reference, NULL AS cdm_etl_reference, d.day AS source_release_date, d.day AS cdm_release_date,
    '5.4' AS cdm_version, coalesce((SELECT max(concept_id) FROM @concept WHERE concept_id = 756265), 0) AS cdm_version_concept_id,
    coalesce((SELECT max(vocabulary_version) FROM @vocabulary WHERE vocabulary_id = 'None'), 'none loaded') AS vocabulary_version,
    '' AS _source, 0 AS _version, 0 AS _t, '' AS _patient, '' AS _patients, '' AS _labels
FROM (SELECT coalesce(max(start_date), DATE '1970-01-01') AS day FROM @omop_visit) d
