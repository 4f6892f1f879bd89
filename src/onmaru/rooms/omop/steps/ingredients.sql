-- The RxNorm ingredients of each drug concept that occurs; 0 where the vocabulary tells none.
SELECT a.key, a.text, coalesce(i.ingredient, 0) AS ingredient,
    '' AS _source, 0 AS _version, 0 AS _t, '' AS _patient, '' AS _patients, '' AS _labels
FROM @asked a
LEFT JOIN (
    SELECT d.descendant_concept_id AS drug, k.concept_id AS ingredient
    FROM @concept_ancestor d
    JOIN @concept k ON k.concept_id = d.ancestor_concept_id
    WHERE k.concept_class_id = 'Ingredient' AND k.vocabulary_id = 'RxNorm'
    UNION
    SELECT concept_id, concept_id FROM @concept WHERE concept_class_id = 'Ingredient' AND vocabulary_id = 'RxNorm'
) i ON i.drug = a.key
