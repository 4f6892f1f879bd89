-- Every Encounter with the visit that it belongs to: itself, or the outermost one that it is part of; then it is a detail.
SELECT v.id, coalesce(o.id, m.id, i.id, v.id) AS visit, CASE WHEN i.id IS NOT NULL THEN v.id END AS detail,
    CASE WHEN m.id IS NOT NULL THEN i.id END AS parent, p.person,
    v._source, v._version, v._t, v._patient, v._patients, v._labels
FROM @omop_visit v
JOIN @omop_people p ON p.id = v.person
LEFT JOIN @omop_visit i ON i.id = v.whole AND i.id <> v.id AND i.person = v.person
LEFT JOIN @omop_visit m ON m.id = i.whole AND m.id NOT IN (v.id, i.id) AND m.person = v.person
LEFT JOIN @omop_visit o ON o.id = m.whole AND o.id NOT IN (v.id, i.id, m.id) AND o.person = v.person
