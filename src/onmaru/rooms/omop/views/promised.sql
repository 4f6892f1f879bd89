-- How many rows each table of facts must have, by the base tables and the mapping; and how many it has.
SELECT home AS "table", max(promised) AS promised, max(there) AS there
FROM (
    SELECT CASE m.domain {domains} ELSE f.usual END AS home, count(*) AS promised, 0 AS there
    FROM omop_fact f
    JOIN omop_people p ON p.id = f.person
    LEFT JOIN omop_things t ON t.id = f.thing
    LEFT JOIN omop_mapping m ON m.key = CASE WHEN f.thing IS NULL THEN f.code ELSE coalesce(t.code, f.code) END
    GROUP BY 1
    UNION ALL SELECT 'fact_relationship', 2 * count(*), 0
    FROM omop_fact f
    JOIN omop_people p ON p.id = f.person
    JOIN omop_specimens s ON s.id = f.specimen AND s.person = p.person
    LEFT JOIN omop_things t ON t.id = f.thing
    LEFT JOIN omop_mapping m ON m.key = CASE WHEN f.thing IS NULL THEN f.code ELSE coalesce(t.code, f.code) END
    UNION ALL SELECT 'episode_event', count(*), 0
    FROM omop_visit f
    JOIN omop_people p ON p.id = f.person
    JOIN omop_visits v ON v.id = f.id AND v.detail IS NULL
    JOIN omop_episodes e ON e.id = f.episode AND e.person = p.person
    UNION ALL SELECT 'fact_relationship', 0, count(*) FROM fact_relationship
    UNION ALL SELECT 'episode_event', 0, count(*) FROM episode_event
    UNION ALL SELECT 'condition_occurrence', 0, count(*) FROM condition_occurrence
    UNION ALL SELECT 'drug_exposure', 0, count(*) FROM drug_exposure
    UNION ALL SELECT 'procedure_occurrence', 0, count(*) FROM procedure_occurrence
    UNION ALL SELECT 'device_exposure', 0, count(*) FROM device_exposure
    UNION ALL SELECT 'measurement', 0, count(*) FROM measurement
    UNION ALL SELECT 'observation', 0, count(*) FROM observation
)
GROUP BY home
ORDER BY home
