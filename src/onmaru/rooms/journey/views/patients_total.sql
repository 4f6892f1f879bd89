-- tables: journey_patient
-- How many patients the search finds.
SELECT COUNT(*) AS total
FROM journey_patient AS p
WHERE :find = '' OR p.find LIKE :find ESCAPE '\' OR p.identifiers LIKE :number ESCAPE '\'
