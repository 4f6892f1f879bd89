-- tables: monitor_device
-- The browsers that take pushes, of one user or ('') of all.
SELECT _source AS source, _version AS version, person, since, name, endpoint, p256dh, auth, trouble
FROM monitor_device
WHERE :person = '' OR person = :person
ORDER BY person, since, _source
