-- Each fact, visit and person with what became of it: the CDM table, the code that counts, its concept; `known` tells
-- whether its Patient is a person here.
facts AS (
    SELECT f.id, f.type, f.part, p.id IS NOT NULL AS known, CASE m.domain {domains} ELSE f.usual END AS home,
        coalesce(m.system, '') AS system, coalesce(m.code, f.source_value, '') AS code, m.label,
        coalesce(m.target, 0) AS concept, coalesce(m.source_concept, 0) AS source_concept, m.source_name,
        coalesce(m.reason, 'no-system') AS reason
    FROM omop_fact f
    LEFT JOIN omop_people p ON p.id = f.person
    LEFT JOIN omop_things t ON t.id = f.thing
    LEFT JOIN omop_mapping m
        ON m.key = CASE WHEN f.thing IS NULL THEN f.code ELSE coalesce(t.code, f.code) END AND m.nth = 0
),
visits AS (
    SELECT v.id, v.class, p.id IS NOT NULL AS known, coalesce(m.target, 0) AS concept
    FROM omop_visit v
    LEFT JOIN omop_people p ON p.id = v.person
    LEFT JOIN omop_mapping m ON m.key = v.class_key AND m.nth = 0
),
persons AS (
    SELECT o.id, o.gender, coalesce(p.person = o.id, false) AS known, coalesce(m.target, 0) AS concept
    FROM omop_person o
    LEFT JOIN omop_people p ON p.id = o.id
    LEFT JOIN omop_mapping m ON m.key = o.gender_key AND m.nth = 0
)
