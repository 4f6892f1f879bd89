-- tables: journey_item, journey_stay, journey_thing
-- Of everybody who lies in a ward: orders and tasks that are open, this room's own left out; newest first.
SELECT i._patient AS patient, i._source AS source, i.kind, i.low, i.ko, i.en, i.value, i.unit, i.flag, i.status, i.detail,
       i.actor_name, t.name AS about_thing
FROM journey_item AS i
LEFT JOIN journey_thing AS t ON t._patient = '' AND t.thing = i.about
WHERE i._patient IN (
    SELECT s._patient
    FROM journey_stay AS s
    LEFT JOIN journey_thing AS p0 ON p0._patient = '' AND p0.thing = s.place
    LEFT JOIN journey_thing AS p1 ON p1._patient = '' AND p1.thing = p0.part_of
    LEFT JOIN journey_thing AS p2 ON p2._patient = '' AND p2.thing = p1.part_of
    LEFT JOIN journey_thing AS p3 ON p3._patient = '' AND p3.thing = p2.part_of
    WHERE CASE WHEN p0.bedside = 0 THEN p0.thing WHEN p1.bedside = 0 THEN p1.thing WHEN p2.bedside = 0 THEN p2.thing
               WHEN p3.bedside = 0 THEN p3.thing ELSE '' END = :ward
)
  AND i.kind = 'order'
  AND i.status IN ('requested', 'received', 'accepted', 'ready', 'in-progress', 'on-hold', 'active')
  AND i.code NOT LIKE 'urn:onmaru:monitor%'
ORDER BY i._patient, CASE WHEN i.low IS NULL THEN 1 ELSE 0 END, i.low DESC, i._source
