-- One period a person: from the first to the last day on which anything was recorded. That the record is whole between them
-- is an assumption, which the page of this room states.
SELECT person_id AS observation_period_id, person_id, min(first_day) AS observation_period_start_date,
    max(greatest(first_day, coalesce(last_day, first_day))) AS observation_period_end_date, max(type) AS period_type_concept_id,
    'Patient/' || max(_patient) AS _source, 0 AS _version, max(_t) AS _t, max(_patient) AS _patient,
    string_agg(DISTINCT _patients, ' ' ORDER BY _patients) AS _patients, '' AS _labels
FROM (
    SELECT person_id, visit_start_date AS first_day, visit_end_date AS last_day, visit_type_concept_id AS type, _t, _patient, _patients FROM @visit_occurrence
    UNION ALL SELECT person_id, condition_start_date, NULL, condition_type_concept_id, _t, _patient, _patients FROM @condition_occurrence
    UNION ALL SELECT person_id, drug_exposure_start_date, NULL, drug_type_concept_id, _t, _patient, _patients FROM @drug_exposure
    UNION ALL SELECT person_id, procedure_date, NULL, procedure_type_concept_id, _t, _patient, _patients FROM @procedure_occurrence
    UNION ALL SELECT person_id, device_exposure_start_date, NULL, device_type_concept_id, _t, _patient, _patients FROM @device_exposure
    UNION ALL SELECT person_id, measurement_date, NULL, measurement_type_concept_id, _t, _patient, _patients FROM @measurement
    UNION ALL SELECT person_id, observation_date, NULL, observation_type_concept_id, _t, _patient, _patients FROM @observation
)
GROUP BY person_id
