-- tables: monitor_handed
-- Hand-overs of one ward that were given after a time, newest first.
SELECT h._patient AS patient, h._source AS source, h._version AS version, h.giver, h.taker, h.given, h.since, h.taken, h.note
FROM monitor_handed AS h
WHERE h.ward = :ward AND h.given > :after
ORDER BY h.given DESC, h._source
