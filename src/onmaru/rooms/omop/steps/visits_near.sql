-- Encounters that came, or whose patient is another person than before, and what is part of one, three levels deep.
WITH parts AS MATERIALIZED (SELECT id, whole FROM @omop_visit WHERE whole IS NOT NULL),
first AS MATERIALIZED (
    SELECT id FROM @came_omop_visit
    UNION SELECT id FROM @omop_visit WHERE person IN (SELECT id FROM @changed_omop_people)
),
second AS MATERIALIZED (SELECT id FROM parts WHERE whole IN (SELECT id FROM first)),
third AS MATERIALIZED (SELECT id FROM parts WHERE whole IN (SELECT id FROM second))
SELECT id FROM first UNION SELECT id FROM second UNION SELECT id FROM third
UNION SELECT id FROM parts WHERE whole IN (SELECT id FROM third)
