-- From codings to concepts of the vocabulary that the site has loaded. A code counts by its own standard concept, else
-- by the first standard concept that it 'Maps to'; else it stays 0. Of several codings the first that leads to one counts.
systems AS (SELECT unnest(:uris) AS uri, unnest(:vocabularies) AS vocabulary),
classes AS (
    SELECT g.code, g.domain, k.concept_id
    FROM (SELECT unnest(:class_codes) AS code, unnest(:class_domains) AS domain, unnest(:class_concepts) AS concept_id) g
    JOIN concept k ON k.concept_id = g.concept_id AND k.domain_id = g.domain AND k.standard_concept = 'S'
),
ehr AS (
    SELECT coalesce(min(concept_id), 0) AS id FROM concept
    WHERE domain_id = 'Type Concept' AND standard_concept = 'S' AND concept_name = 'EHR'
),
mapped AS (
    SELECT r.concept_id_1 AS concept_id, min(k.concept_id) AS target
    FROM concept_relationship r
    JOIN concept k ON k.concept_id = r.concept_id_2 AND k.standard_concept = 'S'
    WHERE r.relationship_id = 'Maps to' AND coalesce(r.invalid_reason, '') = ''
    GROUP BY r.concept_id_1
),
named AS (
    SELECT c.*, s.vocabulary, k.concept_id AS source_concept, k.concept_name AS source_name,
        CASE WHEN k.standard_concept = 'S' THEN k.concept_id ELSE m.target END AS target, k.domain_id AS source_domain
    FROM omop_coding c
    LEFT JOIN systems s ON s.uri = c.system
    LEFT JOIN concept k ON k.vocabulary_id = s.vocabulary AND k.concept_code = c.code
    LEFT JOIN mapped m ON m.concept_id = k.concept_id
),
chosen AS MATERIALIZED (
    SELECT n.*, coalesce(t.domain_id, n.source_domain) AS domain
    FROM named n
    LEFT JOIN concept t ON t.concept_id = n.target
    QUALIFY row_number() OVER (
        PARTITION BY n.fact, n.role ORDER BY n.target IS NULL, n.source_concept IS NULL, n.place
    ) = 1
),
people AS (
    SELECT id, id AS person FROM omop_person WHERE survivor IS NULL
    UNION ALL
    SELECT gone.id, kept.id FROM omop_person gone
    JOIN omop_person kept ON kept.id = gone.survivor AND kept.survivor IS NULL
),
visits AS (
    SELECT v.*, p.person AS person_id, coalesce(k.concept_id, 0) AS concept
    FROM omop_visit v
    JOIN people p ON p.id = v.person
    LEFT JOIN classes k ON k.domain = 'Visit' AND k.code = v.class
),
persons AS (
    SELECT o.*, coalesce(k.concept_id, 0) AS concept
    FROM omop_person o
    LEFT JOIN classes k ON k.domain = 'Gender' AND k.code = o.gender
    WHERE o.survivor IS NULL
),
facts AS (
    SELECT f.*, p.person AS person_id, v.id AS visit_id, coalesce(c.target, 0) AS concept,
        coalesce(c.source_concept, 0) AS source_concept, c.source_name, c.source_domain, c.vocabulary,
        coalesce(c.system, '') AS system, coalesce(c.code, f.source_value, '') AS code, c.label,
        CASE c.domain {domains} ELSE f.usual END AS home
    FROM omop_fact f
    JOIN people p ON p.id = f.person
    LEFT JOIN visits v ON v.id = f.visit AND v.person_id = p.person
    LEFT JOIN chosen c ON c.fact = coalesce(f.thing, f.id) AND c.role = 'code'
)
