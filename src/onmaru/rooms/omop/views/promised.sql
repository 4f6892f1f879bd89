-- How many rows each table of facts must have, by the base tables and the mapping; and how many it has.
SELECT home AS "table", max(promised) AS promised, max(there) AS there
FROM (
    SELECT CASE m.domain {domains} ELSE f.usual END AS home, count(*) AS promised, 0 AS there
    FROM omop_fact f
    JOIN omop_people p ON p.id = f.person
    LEFT JOIN omop_things t ON t.id = f.thing
    LEFT JOIN omop_mapping m ON m.key = CASE WHEN f.thing IS NULL THEN f.code ELSE coalesce(t.code, f.code) END
    GROUP BY 1
    UNION ALL SELECT 'condition_occurrence', 0, count(*) FROM condition_occurrence
    UNION ALL SELECT 'drug_exposure', 0, count(*) FROM drug_exposure
    UNION ALL SELECT 'procedure_occurrence', 0, count(*) FROM procedure_occurrence
    UNION ALL SELECT 'device_exposure', 0, count(*) FROM device_exposure
    UNION ALL SELECT 'measurement', 0, count(*) FROM measurement
    UNION ALL SELECT 'observation', 0, count(*) FROM observation
)
GROUP BY home
ORDER BY home
