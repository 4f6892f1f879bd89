-- Spans of one ingredient with gaps of at most 30 days; `gap_days` are the days of it that no exposure covers
-- (OHDSI, CommonDataModel, sqlScripts: Drug Eras).
WITH spans AS (
    SELECT d.person_id, i.ingredient AS concept, d.drug_exposure_start_date AS first_day,
        greatest(d.drug_exposure_end_date, d.drug_exposure_start_date) AS last_day, d._t, d._patient, d._patients
    FROM @drug_exposure d
    JOIN @omop_ingredients i ON i.key = d.drug_concept_id AND i.ingredient <> 0
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
        ) AS era,
        greatest(last_day - greatest(first_day, coalesce(reached, first_day)), 0) AS covered
    FROM before
)
SELECT xor(person_id, concept * 65536 + (min(first_day) - DATE '1900-01-01')) AS drug_era_id, person_id,
    concept AS drug_concept_id, min(first_day) AS drug_era_start_date, max(last_day) AS drug_era_end_date,
    count(*) AS drug_exposure_count, (max(last_day) - min(first_day)) - sum(covered) AS gap_days,
    'Patient/' || max(_patient) AS _source, 0 AS _version, max(_t) AS _t, max(_patient) AS _patient,
    string_agg(DISTINCT _patients, ' ' ORDER BY _patients) AS _patients, '' AS _labels
FROM numbered
GROUP BY person_id, concept, era
