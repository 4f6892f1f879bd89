-- A visit that has not ended: the last day on which anything happened in it.
SELECT v.id, max(f.start_date) AS day, v._source, v._version, v._t, v._patient, v._patients, v._labels
FROM @omop_visit v
JOIN @omop_fact f ON f.visit = v.id AND f.person = v.person
WHERE v.end_date IS NULL
GROUP BY v.id, v._source, v._version, v._t, v._patient, v._patients, v._labels
