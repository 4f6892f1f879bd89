-- Spans of one condition with gaps of at most 30 days; a condition without an end lasts a day
-- (OHDSI, CommonDataModel, sqlScripts: Condition Eras). Unmapped conditions make no era.
WITH spans AS (
    SELECT person_id, condition_concept_id AS concept, condition_start_date AS first_day,
        greatest(coalesce(condition_end_date, condition_start_date + 1), condition_start_date) AS last_day,
        _t, _patient, _patients
    FROM @condition_occurrence WHERE condition_concept_id <> 0
),
before AS (
    SELECT *, max(last_day) OVER (
        PARTITION BY person_id, concept ORDER BY first_day, last_day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS reached
    FROM spans
),
numbered AS (
    SELECT *, sum(CASE WHEN reached IS NULL OR first_day > reached + 30 THEN 1 ELSE 0 END) OVER (
        PARTITION BY person_id, concept ORDER BY first_day, last_day ROWS UNBOUNDED PRECEDING
    ) AS era
    FROM before
)
SELECT xor(person_id, concept * 65536 + (min(first_day) - DATE '1900-01-01')) AS condition_era_id, person_id,
    concept AS condition_concept_id, min(first_day) AS condition_era_start_date,
    max(last_day) AS condition_era_end_date, count(*) AS condition_occurrence_count,
    'Patient/' || max(_patient) AS _source, 0 AS _version, max(_t) AS _t, max(_patient) AS _patient,
    string_agg(DISTINCT _patients, ' ' ORDER BY _patients) AS _patients, '' AS _labels
FROM numbered
GROUP BY person_id, concept, era
