-- tables: monitor_told, monitor_alert
-- Every telling of the open alerts of one ward ('' every one), oldest first.
SELECT t._patient AS patient, t._source AS source, t._version AS version, t.alert, t.rung, t.sent, t.users, t.reached, t.reader
FROM monitor_told AS t
WHERE 'Task/' || t.alert IN (
    SELECT a._source FROM monitor_alert AS a WHERE a.standing = 1 AND (:ward = '' OR a.ward = :ward OR a.ward = '')
)
ORDER BY t.alert, t.sent, t._source
