SELECT "table", system, code, max(label) AS label, max(source_concept) AS concept, max(source_name) AS concept_name,
    max(reason) AS reason, count(*) AS rows
FROM (
    SELECT home AS "table", system, code, label, source_concept, source_name, reason FROM facts WHERE known AND concept = 0
    UNION ALL
    SELECT 'visit_occurrence', 'Encounter.class', class, '', 0, NULL, 'not-loaded' FROM visits WHERE known AND concept = 0
    UNION ALL
    SELECT 'person', 'Patient.gender', gender, '', 0, NULL, 'not-loaded' FROM persons WHERE known AND concept = 0
)
GROUP BY "table", system, code
ORDER BY rows DESC, "table", system, code
LIMIT :most
