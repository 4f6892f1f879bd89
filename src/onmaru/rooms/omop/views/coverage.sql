-- `resources` and `mapped_resources` leave out the rows that components of an Observation have beside its own.
SELECT home AS "table", system, count(*) AS rows, count(DISTINCT code) AS codes,
    count(*) FILTER (concept <> 0) AS mapped_rows, count(DISTINCT code) FILTER (concept <> 0) AS mapped_codes,
    count(*) FILTER (part = '') AS resources, count(*) FILTER (part = '' AND concept <> 0) AS mapped_resources
FROM (
    SELECT home, system, code, concept, part FROM facts WHERE known
    UNION ALL SELECT 'visit_occurrence', 'Encounter.class', class, concept, '' FROM visits WHERE known
    UNION ALL SELECT 'person', 'Patient.gender', gender, concept, '' FROM persons WHERE known
)
GROUP BY home, system
ORDER BY home, system
