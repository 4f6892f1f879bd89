SELECT type, outcome, count(*) AS rows, count(*) FILTER (part = '') AS resources
FROM (
    SELECT f.type, f.part, CASE WHEN m.id IS NULL THEN 'unknown-patient' WHEN m.concept <> 0 THEN 'mapped'
        ELSE 'unmapped' END AS outcome
    FROM omop_fact f LEFT JOIN facts m ON m.id = f.id
    UNION ALL
    SELECT 'Encounter', '', CASE WHEN m.id IS NULL THEN 'unknown-patient' WHEN m.concept <> 0 THEN 'mapped'
        ELSE 'unmapped' END
    FROM omop_visit v LEFT JOIN visits m ON m.id = v.id
    UNION ALL
    SELECT 'Patient', '', CASE WHEN m.id IS NULL THEN 'merged' WHEN m.concept <> 0 THEN 'mapped' ELSE 'unmapped' END
    FROM omop_person o LEFT JOIN persons m ON m.id = o.id
    UNION ALL
    SELECT type, '', reason FROM omop_dropped
)
GROUP BY type, outcome
ORDER BY type, outcome
