-- Specimens and whose they are, for what was measured in them, with the concepts of the domains that the two are of.
SELECT s.id, p.person, d.*, s._source, s._version, s._t, s._patient, s._patients, s._labels
FROM @omop_specimen s
JOIN @omop_people p ON p.id = s.person
CROSS JOIN (
    SELECT max(domain_concept_id) FILTER (domain_id = 'Specimen') AS specimen,
        max(domain_concept_id) FILTER (domain_id = 'Measurement') AS measurement,
        max(domain_concept_id) FILTER (domain_id = 'Observation') AS observation,
        max(domain_concept_id) FILTER (domain_id = 'Condition') AS condition,
        max(domain_concept_id) FILTER (domain_id = 'Drug') AS drug,
        max(domain_concept_id) FILTER (domain_id = 'Procedure') AS procedure,
        max(domain_concept_id) FILTER (domain_id = 'Device') AS device
    FROM @domain
) d
