-- tables: monitor_limit
-- Patients' own limits that have not ended at `now`, of one patient or with `one` '' of all.
SELECT l._patient AS patient, l._source AS source, l.rule, l.value, l.low, l.high
FROM monitor_limit AS l
WHERE l.high > :now AND (:one = '' OR l._patient = :one)
ORDER BY l._patient, l.rule, l.low, l._source
