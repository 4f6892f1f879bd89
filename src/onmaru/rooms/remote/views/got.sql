-- tables: remote_got, remote_plan
-- What came from home of one patient, or with `one` '' of everybody with a plan that stands, measured or recorded after a time.
SELECT g._patient AS patient, g._source AS source, g.key, g.at, g.known, g.value, g.unit, g.device, g.matter
FROM remote_got AS g
WHERE (g.at > :after OR g.known > :after)
  AND (g._patient = :one OR (:one = '' AND g._patient IN (SELECT p._patient FROM remote_plan AS p WHERE p.going = 1)))
ORDER BY g._patient, g.at, g.key, g._source
