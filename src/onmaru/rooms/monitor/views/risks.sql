-- tables: monitor_risk
-- Risks of one model's version ('' of every) told after a time, as they stand; newest first.
SELECT _patient AS patient, _source AS source, _version AS version, entry, digest, state, low, told
FROM monitor_risk
WHERE low > :after AND (:entry = '' OR entry = :entry)
ORDER BY low DESC, _source
