-- Every resource that is there now, and every row of an Observation's components, with what became of it. What the CDM asks
-- no concept of (staff, places, things that others name) counts as mapped.
SELECT type, outcome, count(*) AS rows, count(*) FILTER (part = '') AS resources
FROM (
    SELECT type, part, CASE WHEN NOT known THEN 'unknown-patient' WHEN concept <> 0 THEN 'mapped'
        ELSE 'unmapped' END AS outcome
    FROM facts
    UNION ALL
    SELECT 'Encounter', '', CASE WHEN NOT known THEN 'unknown-patient' WHEN concept <> 0 THEN 'mapped'
        ELSE 'unmapped' END
    FROM visits
    UNION ALL
    SELECT 'Patient', '', CASE WHEN NOT known THEN 'merged' WHEN concept <> 0 THEN 'mapped' ELSE 'unmapped' END
    FROM persons
    UNION ALL
    SELECT split_part(c._source, '/', 1), '', CASE WHEN p.id IS NULL THEN 'unknown-patient'
        WHEN c.visit IS NOT NULL AND v.id IS NULL THEN 'unknown-visit' WHEN m.target <> 0 THEN 'mapped' ELSE 'unmapped' END
    FROM (
        SELECT _source, person, class AS code, NULL AS visit FROM omop_note
        UNION ALL SELECT _source, person, code, NULL FROM omop_specimen
        UNION ALL SELECT _source, person, payer_key, NULL FROM omop_plan
        UNION ALL SELECT _source, person, code, NULL FROM omop_episode
        UNION ALL SELECT _source, person, currency_key, visit FROM omop_cost
    ) c
    LEFT JOIN omop_people p ON p.id = c.person
    LEFT JOIN omop_visits v ON v.id = c.visit AND v.person = p.person
    LEFT JOIN omop_mapping m ON m.key = c.code AND m.nth = 0
    UNION ALL SELECT split_part(_source, '/', 1), '', 'mapped' FROM omop_provider
    UNION ALL SELECT split_part(_source, '/', 1), '', 'mapped' FROM omop_role
    UNION ALL SELECT split_part(_source, '/', 1), '', 'mapped' FROM omop_site
    UNION ALL SELECT split_part(_source, '/', 1), '', 'mapped' FROM omop_thing
    UNION ALL SELECT DISTINCT 'ConceptMap', '', 'mapped' FROM omop_map
    UNION ALL SELECT type, '', 'no-table' FROM omop_apart
    UNION ALL SELECT type, '', reason FROM omop_dropped
)
GROUP BY type, outcome
ORDER BY type, outcome
