-- tables: journey_link, journey_patient
-- Links that this patient or another record states about it, with the other's identity.
SELECT DISTINCT l.survivor, l.gone, l.relation, s.name AS survivor_name, s.number AS survivor_number,
       g.name AS gone_name, g.number AS gone_number
FROM journey_link AS l
LEFT JOIN journey_patient AS s ON s._patient = l.survivor
LEFT JOIN journey_patient AS g ON g._patient = l.gone
WHERE l.survivor = :patient OR l.gone = :patient
ORDER BY l.survivor, l.gone
