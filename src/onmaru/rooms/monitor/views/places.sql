-- tables: journey_stay, journey_thing, journey_patient
-- Where one patient, or with `patient` '' everybody of a `ward` ('' every ward), lies now. The ward is the first place around the
-- bed that is none of bed, room, level, corridor or cabinet; the bed bears its room's name, for beds of two rooms bear one number.
SELECT here.patient, here.encounter, here.bed, here.ward, here.ward_name, here.low,
       (SELECT MIN(p.name) FROM journey_patient AS p WHERE p._patient = here.patient) AS name,
       (SELECT MIN(p.birth) FROM journey_patient AS p WHERE p._patient = here.patient) AS birth,
       (SELECT MIN(p.sex) FROM journey_patient AS p WHERE p._patient = here.patient) AS sex,
       (SELECT MIN(p.number) FROM journey_patient AS p WHERE p._patient = here.patient) AS number
FROM (
    SELECT s._patient AS patient, s._source AS encounter, s.low,
           CASE WHEN p0.bedside = 1 AND p1.bedside = 1 AND p1.name <> '' THEN p1.name || ' ' || p0.name
                WHEN p0.bedside = 1 THEN p0.name ELSE '' END AS bed,
           CASE WHEN p0.bedside = 0 THEN p0.thing WHEN p1.bedside = 0 THEN p1.thing WHEN p2.bedside = 0 THEN p2.thing
                WHEN p3.bedside = 0 THEN p3.thing ELSE '' END AS ward,
           CASE WHEN p0.bedside = 0 THEN p0.name WHEN p1.bedside = 0 THEN p1.name WHEN p2.bedside = 0 THEN p2.name
                WHEN p3.bedside = 0 THEN p3.name ELSE '' END AS ward_name
    FROM journey_stay AS s
    LEFT JOIN journey_thing AS p0 ON p0._patient = '' AND p0.thing = s.place
    LEFT JOIN journey_thing AS p1 ON p1._patient = '' AND p1.thing = p0.part_of
    LEFT JOIN journey_thing AS p2 ON p2._patient = '' AND p2.thing = p1.part_of
    LEFT JOIN journey_thing AS p3 ON p3._patient = '' AND p3.thing = p2.part_of
) AS here
WHERE (:one = '' OR here.patient = :one) AND (:ward = '' OR here.ward = :ward)
ORDER BY here.ward, here.bed, here.patient, here.low
