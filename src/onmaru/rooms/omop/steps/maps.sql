-- What the record's ConceptMaps decide, each once.
SELECT system, code, target_system, target, relation,
    min(_source) AS _source, 0 AS _version, max(_t) AS _t, '' AS _patient, '' AS _patients, min(_labels) AS _labels
FROM @omop_map
GROUP BY system, code, target_system, target, relation
