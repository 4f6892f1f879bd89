-- tables: remote_attention
-- What asks for somebody: everything open, and what was closed after a time; of one patient, or with `one` '' of all.
SELECT a._patient AS patient, a._source AS source, a.plan, a.reason, a.key, a.at, a.standing, a.closed, a.body
FROM remote_attention AS a
WHERE (:one = '' OR a._patient = :one) AND (a.standing = 1 OR a.closed > :after)
ORDER BY a.plan, a.at, a._source
