-- tables: journey_patient, journey_link
-- One page of patients by name after the keyset (name, patient); found by name (see names.pattern) or by the beginning
-- of an identifier.
SELECT p.patient, p.name, p.name_key, p.other_names, p.birth, p.sex, p.number, p.deceased,
       (SELECT MIN(l.survivor) FROM journey_link AS l WHERE l.relation = 'merged' AND l.gone = p.patient) AS survivor
FROM journey_patient AS p
WHERE (p.name_key > :name OR (p.name_key = :name AND p.patient > :after))
  AND (:find = '' OR p.find LIKE :find ESCAPE '\' OR p.identifiers LIKE :number ESCAPE '\')
ORDER BY p.name_key, p.patient
LIMIT :count
