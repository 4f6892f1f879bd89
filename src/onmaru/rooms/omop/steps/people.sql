-- Every Patient with the person that it is: itself, or the survivor of a merge. `more`: whose consent covers it besides.
SELECT id, id AS person, '' AS more, _source, _version, _t, _patient, _patients, _labels
FROM @omop_person WHERE survivor IS NULL
UNION ALL
SELECT gone.id, kept.id, kept._patients, gone._source, gone._version, gone._t, gone._patient,
    gone._patients || ' ' || kept._patients, gone._labels
FROM @omop_person gone
JOIN @omop_person kept ON kept.id = gone.survivor AND kept.survivor IS NULL
