-- tables: journey_stay, journey_thing
-- Every patient who is here now, with bed, room and ward. The ward is the first place around the bed that is none of
-- bed, room, level, corridor or cabinet.
SELECT s._patient AS patient, s._source AS source, s.low, s.written, s.status, s.class, s.ko, s.en, s.reason,
       s.actor, s.actor_name, a.name AS actor_thing, s.place, s.place_name, p0.name AS spot,
       CASE WHEN p0.form = 'bd' THEN p0.name ELSE '' END AS bed,
       CASE WHEN p0.form = 'ro' THEN p0.name WHEN p1.form = 'ro' THEN p1.name ELSE '' END AS room,
       CASE WHEN p0.bedside = 0 THEN p0.thing WHEN p1.bedside = 0 THEN p1.thing WHEN p2.bedside = 0 THEN p2.thing
            WHEN p3.bedside = 0 THEN p3.thing ELSE '' END AS ward,
       CASE WHEN p0.bedside = 0 THEN p0.name WHEN p1.bedside = 0 THEN p1.name WHEN p2.bedside = 0 THEN p2.name
            WHEN p3.bedside = 0 THEN p3.name ELSE '' END AS ward_name
FROM journey_stay AS s
LEFT JOIN journey_thing AS a ON a._patient = '' AND a.thing = s.actor
LEFT JOIN journey_thing AS p0 ON p0._patient = '' AND p0.thing = s.place
LEFT JOIN journey_thing AS p1 ON p1._patient = '' AND p1.thing = p0.part_of
LEFT JOIN journey_thing AS p2 ON p2._patient = '' AND p2.thing = p1.part_of
LEFT JOIN journey_thing AS p3 ON p3._patient = '' AND p3.thing = p2.part_of
