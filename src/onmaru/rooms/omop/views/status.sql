SELECT (SELECT count(*) FROM concept) AS concepts, (SELECT count(*) FROM concept_relationship) AS relationships,
    (SELECT count(DISTINCT vocabulary_id) FROM concept) AS vocabularies,
    (SELECT count(*) FROM persons) AS persons, (SELECT count(*) FROM visits) AS visits,
    (SELECT count(*) FROM facts) AS facts, (SELECT count(*) - count(DISTINCT id) FROM facts) AS shared_ids
