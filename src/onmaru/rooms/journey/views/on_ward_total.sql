-- tables: journey_stay, journey_thing, journey_patient
-- How many patients of a ward the search finds.
SELECT COUNT(*) AS total
FROM journey_patient AS p
JOIN (SELECT DISTINCT patient FROM ({stays}) AS here WHERE here.ward = :ward) AS w ON w.patient = p._patient
WHERE :find = '' OR p.find LIKE :find ESCAPE '\' OR p.identifiers LIKE :number ESCAPE '\'
