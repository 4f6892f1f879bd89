-- tables: journey_stay, journey_thing
-- The current stays of the patients named, newest first.
SELECT * FROM ({stays}) AS here
WHERE here.patient IN ({patients})
ORDER BY here.patient, here.low DESC, here.source
