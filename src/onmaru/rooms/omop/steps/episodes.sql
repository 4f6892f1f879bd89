-- Episodes and whose they are, for the visits that belong to them.
SELECT e.id, p.person, e._source, e._version, e._t, e._patient, e._patients, e._labels
FROM @omop_episode e
JOIN @omop_people p ON p.id = e.person
