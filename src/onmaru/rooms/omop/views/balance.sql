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
    SELECT type, '', reason FROM omop_dropped
)
GROUP BY type, outcome
ORDER BY type, outcome
