-- tables: journey_stay, journey_thing
-- Wards with somebody on them.
SELECT here.ward AS id, MIN(here.ward_name) AS name, COUNT(DISTINCT here.patient) AS patients
FROM ({stays}) AS here
WHERE here.ward <> ''
GROUP BY here.ward
ORDER BY 2, 1
