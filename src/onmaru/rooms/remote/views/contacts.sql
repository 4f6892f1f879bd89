-- tables: remote_contact
-- Attempts to reach patients, oldest first: one patient's, or with `one` '' everybody's.
SELECT c._patient AS patient, c._source AS source, c.plan, c.at, c.answered, c.how, c.by, c.note
FROM remote_contact AS c
WHERE (:one = '' OR c._patient = :one) AND c.at > :after
ORDER BY c.plan, c.at, c._source
