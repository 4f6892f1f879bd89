-- tables: journey_stay, journey_thing, journey_patient, journey_link
-- One page of the patients on a ward, as `patients`.
SELECT p.patient, p.name, p.name_key, p.other_names, p.birth, p.sex, p.number, p.deceased,
       (SELECT MIN(l.survivor) FROM journey_link AS l WHERE l.relation = 'merged' AND l.gone = p.patient) AS survivor
FROM journey_patient AS p
JOIN (SELECT DISTINCT patient FROM ({stays}) AS here WHERE here.ward = :ward) AS w ON w.patient = p._patient
WHERE (p.name_key > :name OR (p.name_key = :name AND p.patient > :after))
  AND (:find = '' OR p.find LIKE :find ESCAPE '\' OR p.identifiers LIKE :number ESCAPE '\')
ORDER BY p.name_key, p.patient
LIMIT :count
