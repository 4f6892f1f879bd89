-- Every person with all whose consent covers what is summed up of it.
SELECT p.person, string_agg(DISTINCT p._patients, ' ' ORDER BY p._patients) AS names, k._source, 0 AS _version, 0 AS _t,
    k._patient, string_agg(DISTINCT p._patients, ' ' ORDER BY p._patients) AS _patients, '' AS _labels
FROM @omop_people p
JOIN @omop_people k ON k.id = p.person
GROUP BY p.person, k._source, k._patient
