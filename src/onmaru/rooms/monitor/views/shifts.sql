-- tables: monitor_shift, journey_thing
-- Shifts that have not ended at `now`.
SELECT s._source AS source, s._version AS version, s.person, s.rung, s.ward, s.low, s.high, w.name AS ward_name
FROM monitor_shift AS s
LEFT JOIN journey_thing AS w ON w._patient = '' AND w.thing = s.ward
WHERE s.high > :now
ORDER BY s.low, s.ward, s.rung, s.person, s._source
