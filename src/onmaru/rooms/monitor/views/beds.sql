-- tables: monitor_stay, monitor_place
-- Everybody who lies somewhere, with bed and ward: the first place around the bed that is none of bed, room, level,
-- corridor or cabinet.
SELECT s._patient AS patient, s.encounter, s.place AS bed, p0.name AS bed_name,
       CASE WHEN p0.within = 0 THEN p0.place WHEN p1.within = 0 THEN p1.place WHEN p2.within = 0 THEN p2.place
            WHEN p3.within = 0 THEN p3.place ELSE '' END AS ward,
       CASE WHEN p0.within = 0 THEN p0.name WHEN p1.within = 0 THEN p1.name WHEN p2.within = 0 THEN p2.name
            WHEN p3.within = 0 THEN p3.name ELSE '' END AS ward_name
FROM monitor_stay AS s
LEFT JOIN monitor_place AS p0 ON p0._patient = '' AND p0.place = s.place
LEFT JOIN monitor_place AS p1 ON p1._patient = '' AND p1.place = p0.part_of
LEFT JOIN monitor_place AS p2 ON p2._patient = '' AND p2.place = p1.part_of
LEFT JOIN monitor_place AS p3 ON p3._patient = '' AND p3.place = p2.part_of
ORDER BY ward_name, ward, bed_name, bed, patient
