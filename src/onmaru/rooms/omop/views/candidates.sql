-- Concepts that a source code may mean, each with the standard concepts that it leads to: those with the same code, and those
-- that share the most letters with its name, synonyms counted too.
near AS (
    SELECT concept_id, max(name) AS name, max(score) AS score, bool_or(same) AS same
    FROM (
        SELECT concept_id, concept_name AS name, jaccard(lower(concept_name), lower(:label)) AS score,
            :code <> '' AND replace(upper(concept_code), '.', '') = replace(upper(:code), '.', '') AS same
        FROM concept WHERE concept_name <> ''
        UNION ALL
        SELECT concept_id, concept_synonym_name, jaccard(lower(concept_synonym_name), lower(:label)), false
        FROM concept_synonym WHERE concept_synonym_name <> ''
    )
    WHERE same OR score > 0.4
    GROUP BY concept_id
    ORDER BY same DESC, score DESC, concept_id
    LIMIT 400
)
SELECT DISTINCT k.concept_id AS concept, k.concept_name AS name, k.domain_id AS domain, k.vocabulary_id AS vocabulary,
    k.concept_code AS code, n.name AS found, n.same
FROM near n
JOIN concept c ON c.concept_id = n.concept_id
LEFT JOIN concept_relationship r ON r.concept_id_1 = c.concept_id AND r.relationship_id = 'Maps to'
    AND coalesce(r.invalid_reason, '') = '' AND coalesce(c.standard_concept, '') <> 'S'
JOIN concept k ON k.concept_id = coalesce(r.concept_id_2, c.concept_id) AND k.standard_concept = 'S'
