-- Visits without an end that came, or of which anything came.
SELECT id FROM @omop_visit
WHERE end_date IS NULL AND id IN (SELECT id FROM @came_omop_visit UNION SELECT visit FROM @came_omop_fact)
