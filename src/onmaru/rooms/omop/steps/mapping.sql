-- From codings to concepts of the vocabulary that the site has loaded. A code counts by its own standard concept, else by
-- every standard concept that it 'Maps to'; a hint's codes by data/classes.toml or by name. Of several codings the first
-- that leads to a concept counts.
WITH systems AS (SELECT unnest(:uris) AS uri, unnest(:vocabularies) AS vocabulary),
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
    LEFT JOIN @concept k ON k.vocabulary_id = s.vocabulary AND k.concept_code = c.code
),
targets AS (
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
    SELECT key, place, rank FROM targets
    QUALIFY row_number() OVER (PARTITION BY key ORDER BY place, rank) = 1
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
    row_number() OVER (PARTITION BY c.key ORDER BY t.target) - 1 AS nth, t.how,
    CASE WHEN t.target IS NOT NULL THEN '' WHEN c.system = '' THEN 'no-system' WHEN c.vocabulary IS NULL THEN 'unknown-system'
        WHEN c.source_concept IS NULL THEN 'not-loaded' ELSE 'not-standard' END AS reason,
    '' AS _source, 0 AS _version, 0 AS _t, '' AS _patient, '' AS _patients, '' AS _labels
FROM chosen c
LEFT JOIN (SELECT DISTINCT key, place, rank, how, target FROM targets) t
    ON t.key = c.key AND t.place = c.place AND t.rank = c.rank
LEFT JOIN @concept k ON k.concept_id = t.target
