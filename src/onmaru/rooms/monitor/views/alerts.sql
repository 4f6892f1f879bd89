-- tables: monitor_alert, journey_patient
-- Alerts of one ward ('' every one) that are open, and those raised after a time; newest first.
SELECT a._patient AS patient, a._source AS source, a._version AS version, a.ward, a.raised, a.standing, a.ended, a.closed, a.task,
       (SELECT MIN(p.name) FROM journey_patient AS p WHERE p._patient = a._patient) AS name
FROM monitor_alert AS a
WHERE (:ward = '' OR a.ward = :ward OR a.ward = '') AND (a.standing = 1 OR a.raised > :after)
ORDER BY a.standing DESC, a.raised DESC, a._source
LIMIT :most
