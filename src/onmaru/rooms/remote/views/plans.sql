-- tables: remote_plan, journey_patient
-- Plans for care at home: one by its id, one patient's, or with both '' all; those that are over only where asked for.
SELECT p._patient AS patient, p._version AS version, p.plan, p.going, p.body,
       (SELECT MIN(j.name) FROM journey_patient AS j WHERE j._patient = p._patient) AS name,
       (SELECT MIN(j.birth) FROM journey_patient AS j WHERE j._patient = p._patient) AS birth,
       (SELECT MIN(j.sex) FROM journey_patient AS j WHERE j._patient = p._patient) AS sex,
       (SELECT MIN(j.number) FROM journey_patient AS j WHERE j._patient = p._patient) AS number
FROM remote_plan AS p
WHERE (:plan = '' OR p.plan = :plan) AND (:one = '' OR p._patient = :one) AND (p.going = 1 OR :over = 1)
ORDER BY p._patient, p.plan
