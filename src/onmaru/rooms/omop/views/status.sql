SELECT (SELECT count(*) FROM concept) AS concepts, (SELECT count(*) FROM concept_relationship) AS relationships,
    (SELECT count(DISTINCT vocabulary_id) FROM concept) AS vocabularies,
    (SELECT count(*) FROM persons WHERE known) AS persons, (SELECT count(*) FROM visits WHERE known) AS visits,
    (SELECT count(*) FROM facts WHERE known) AS facts, (SELECT count(*) - count(DISTINCT id) FROM facts) AS shared_ids
