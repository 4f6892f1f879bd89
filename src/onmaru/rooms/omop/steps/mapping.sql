-- From codings to concepts of the vocabulary that the site has loaded. A code counts by its own standard concept, else by
-- every standard concept that it 'Maps to'; a hint's codes by data/classes.toml or by name. Of several codings the first
-- that leads to a concept counts. What a ConceptMap of the record or SOURCE_TO_CONCEPT_MAP decides goes before all of these.
WITH systems AS (SELECT unnest(:uris) AS uri, unnest(:vocabularies) AS vocabulary),
dots AS (SELECT unnest(:dotted) AS vocabulary),
classes AS (
    SELECT unnest(:class_codes) AS code, unnest(:class_domains) AS domain, unnest(:class_concepts) AS concept_id
),
coded AS (
    SELECT key, text, hint, place, split_part(one, chr(31), 1) AS system, split_part(one, chr(31), 2) AS code,
        split_part(one, chr(31), 3) AS label
    FROM (
        SELECT key, text, split_part(text, chr(30), 1) AS hint, unnest(string_split(text, chr(30))) AS one,
            generate_subscripts(string_split(text, chr(30)), 1) - 2 AS place
        FROM @asked
    )
    WHERE place >= 0
),
named AS (
    SELECT c.*, s.vocabulary, k.concept_id AS source_concept, k.concept_name AS source_name,
        k.domain_id AS source_domain, k.standard_concept = 'S' AS standard
    FROM coded c
    LEFT JOIN systems s ON s.uri = c.system
    LEFT JOIN dots d ON d.vocabulary = s.vocabulary AND c.code NOT LIKE '%.%' AND length(c.code) > 3
    LEFT JOIN @concept k ON k.vocabulary_id = s.vocabulary AND k.concept_code = CASE WHEN d.vocabulary IS NULL THEN c.code
        ELSE left(upper(c.code), 3) || '.' || substr(upper(c.code), 4) END
),
maps AS (
    SELECT c.key, c.place, m.target_system, m.target
    FROM named c
    JOIN @omop_maps m ON m.system = c.system AND m.code = c.code
),
listed AS (
    SELECT c.key, c.place, m.target_concept_id
    FROM named c
    JOIN @source_to_concept_map m ON m.source_vocabulary_id = coalesce(c.vocabulary, c.system) AND m.source_code = c.code
        AND coalesce(m.invalid_reason, '') = ''
    WHERE c.hint = ''
),
said AS (
    SELECT key, place, true AS nothing, NULL::BIGINT AS concept_id, false AS standard FROM maps WHERE target = ''
    UNION ALL
    SELECT m.key, m.place, false, k.concept_id, k.standard_concept = 'S'
    FROM maps m
    JOIN @concept k ON k.concept_id = TRY_CAST(m.target AS BIGINT)
    WHERE m.target_system = 'https://fhir-terminology.ohdsi.org'
    UNION ALL
    SELECT m.key, m.place, false, k.concept_id, k.standard_concept = 'S'
    FROM maps m
    JOIN systems s ON s.uri = m.target_system
    JOIN @concept k ON k.vocabulary_id = s.vocabulary AND k.concept_code = m.target
    UNION ALL
    SELECT key, place, true, NULL, false FROM listed WHERE target_concept_id = 0
    UNION ALL
    SELECT l.key, l.place, false, k.concept_id, k.standard_concept = 'S'
    FROM listed l
    JOIN @concept k ON k.concept_id = l.target_concept_id
),
targets AS (
    SELECT key, place, 0 AS rank, 'decided' AS how, concept_id AS target FROM said WHERE standard
    UNION ALL
    SELECT d.key, d.place, 0, 'decided', k.concept_id
    FROM said d
    JOIN @concept_relationship r ON r.concept_id_1 = d.concept_id AND r.relationship_id = 'Maps to'
        AND coalesce(r.invalid_reason, '') = ''
    JOIN @concept k ON k.concept_id = r.concept_id_2 AND k.standard_concept = 'S'
    WHERE NOT coalesce(d.standard, false)
    UNION ALL
    SELECT key, place, 1 AS rank, 'standard' AS how, source_concept AS target FROM named WHERE standard
    UNION ALL
    SELECT n.key, n.place, 2, 'maps-to', k.concept_id
    FROM named n
    JOIN @concept_relationship r ON r.concept_id_1 = n.source_concept AND r.relationship_id = 'Maps to'
        AND coalesce(r.invalid_reason, '') = ''
    JOIN @concept k ON k.concept_id = r.concept_id_2 AND k.standard_concept = 'S'
    WHERE NOT coalesce(n.standard, false)
    UNION ALL
    SELECT c.key, c.place, 3, 'class', k.concept_id
    FROM coded c
    JOIN classes g ON g.domain = c.hint AND g.code = c.code
    JOIN @concept k ON k.concept_id = g.concept_id AND k.domain_id = g.domain AND k.standard_concept = 'S'
    UNION ALL
    SELECT c.key, c.place, 4, 'name', min(k.concept_id)
    FROM coded c
    JOIN @concept k ON k.domain_id = c.hint AND k.standard_concept = 'S' AND lower(k.concept_name) = lower(c.label)
    WHERE c.hint <> '' AND c.label <> ''
    GROUP BY c.key, c.place
),
best AS (
    SELECT t.key, t.place, t.rank FROM targets t
    LEFT JOIN (SELECT DISTINCT key, place FROM said WHERE nothing) n ON n.key = t.key AND n.place = t.place
    WHERE t.rank = 0 OR n.key IS NULL
    QUALIFY row_number() OVER (PARTITION BY t.key ORDER BY t.place, t.rank) = 1
),
chosen AS (
    SELECT n.*, b.rank
    FROM named n
    LEFT JOIN best b ON b.key = n.key AND b.place = n.place
    QUALIFY row_number() OVER (
        PARTITION BY n.key ORDER BY b.key IS NULL, n.source_concept IS NULL, n.place, n.source_concept
    ) = 1
)
SELECT c.key, c.text, c.hint, c.system, c.code, c.label, c.vocabulary, coalesce(c.source_concept, 0) AS source_concept,
    c.source_name, c.source_domain, coalesce(t.target, 0) AS target, coalesce(k.domain_id, c.source_domain) AS domain,
    row_number() OVER (PARTITION BY c.key ORDER BY t.target) - 1 AS nth, t.how, w.value,
    CASE WHEN t.target IS NOT NULL THEN '' WHEN n.key IS NOT NULL THEN 'decided-none'
        WHEN c.system = '' THEN 'no-system' WHEN c.vocabulary IS NULL THEN 'unknown-system'
        WHEN c.source_concept IS NULL THEN 'not-loaded' ELSE 'not-standard' END AS reason,
    '' AS _source, 0 AS _version, 0 AS _t, '' AS _patient, '' AS _patients, '' AS _labels
FROM chosen c
LEFT JOIN (SELECT DISTINCT key, place, rank, how, target FROM targets) t
    ON t.key = c.key AND t.place = c.place AND t.rank = c.rank
LEFT JOIN @concept k ON k.concept_id = t.target
LEFT JOIN (SELECT DISTINCT key FROM said WHERE nothing) n ON n.key = c.key
LEFT JOIN (
    SELECT r.concept_id_1, min(k.concept_id) AS value FROM @concept_relationship r
    JOIN @concept k ON k.concept_id = r.concept_id_2 AND k.standard_concept = 'S'
    WHERE r.relationship_id = 'Maps to value' AND coalesce(r.invalid_reason, '') = ''
    GROUP BY r.concept_id_1
) w ON w.concept_id_1 = c.source_concept AND t.how = 'maps-to'
