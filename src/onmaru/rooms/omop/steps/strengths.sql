-- How much of each ingredient a piece of each drug that occurs gives, or an hour with it, where DRUG_STRENGTH tells it: cases
-- 1, 2 and 6 of OHDSI's "How to Calculate Drug Dose". Where strength is a concentration (cases 3 to 5), the dose hangs on what
-- was counted, pieces or a volume, which a quantity here does not tell: then there is none.
SELECT a.key, a.text, coalesce(s.ingredient, 0) AS ingredient, s.each, s.hourly, s.unit,
    '' AS _source, 0 AS _version, 0 AS _t, '' AS _patient, '' AS _patients, '' AS _labels
FROM @asked a
LEFT JOIN (
    SELECT d.drug_concept_id AS drug, d.ingredient_concept_id AS ingredient,
        CASE WHEN d.denominator_unit_concept_id IS NULL THEN d.amount_value
            WHEN u.concept_code = '{actuat}' THEN d.numerator_value END AS each,
        CASE WHEN u.concept_code = 'h' THEN d.numerator_value END AS hourly,
        CASE WHEN d.denominator_unit_concept_id IS NULL THEN d.amount_unit_concept_id
            ELSE d.numerator_unit_concept_id END AS unit
    FROM @drug_strength d
    LEFT JOIN @concept u ON u.concept_id = d.denominator_unit_concept_id AND u.vocabulary_id = 'UCUM'
    WHERE coalesce(d.invalid_reason, '') = ''
) s ON s.drug = a.key AND (s.each > 0 OR s.hourly > 0)
