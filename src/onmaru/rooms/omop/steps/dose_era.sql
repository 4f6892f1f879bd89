-- Spans of one ingredient at one daily dose with gaps of at most 30 days (CDM 5.4, DOSE_ERA). The daily dose is the total of an
-- exposure over its duration (OHDSI, "How to Calculate Drug Dose"): of what was ordered or dispensed as a number of pieces for a
-- stated time, and of what releases so much an hour.
WITH spans AS (
    SELECT d.person_id, s.ingredient AS concept, coalesce(s.unit, 0) AS unit, d.drug_exposure_start_date AS first_day,
        greatest(d.drug_exposure_end_date, d.drug_exposure_start_date) AS last_day,
        round(CASE WHEN s.hourly > 0 THEN s.hourly * 24 ELSE d.quantity * s.each
            / coalesce(d.days_supply, d.verbatim_end_date - d.drug_exposure_start_date + 1) END, 6) AS dose
    FROM @drug_exposure d
    JOIN @omop_strengths s ON s.key = d.drug_concept_id AND s.ingredient <> 0
    WHERE split_part(d._source, '/', 1) IN ('MedicationRequest', 'MedicationDispense')
        AND (s.hourly > 0 OR (d.quantity > 0
            AND coalesce(d.days_supply, d.verbatim_end_date - d.drug_exposure_start_date + 1) > 0))
),
before AS (
    SELECT *, max(last_day) OVER (
        PARTITION BY person_id, concept, unit, dose ORDER BY first_day, last_day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS reached
    FROM spans WHERE dose > 0
),
numbered AS (
    SELECT *, sum(CASE WHEN reached IS NULL OR first_day > reached + 30 THEN 1 ELSE 0 END) OVER (
        PARTITION BY person_id, concept, unit, dose ORDER BY first_day, last_day ROWS UNBOUNDED PRECEDING
    ) AS era
    FROM before
)
SELECT ('0x' || left(md5(concat_ws(' ', n.person_id, concept, unit, dose, min(first_day))), 15))::BIGINT AS dose_era_id, n.person_id,
    concept AS drug_concept_id, unit AS unit_concept_id, dose AS dose_value, min(first_day) AS dose_era_start_date,
    max(last_day) AS dose_era_end_date,
    p._source, 0 AS _version, 0 AS _t, p._patient, p._patients, '' AS _labels
FROM numbered n
JOIN @omop_whose p ON p.person = n.person_id
GROUP BY n.person_id, concept, unit, dose, era, p._source, p._patient, p._patients
