-- tables: journey_current, journey_thing
-- Active allergies, problems, medication and warnings; newest first, those without a time last.
SELECT c._source AS source, c.section, c.low, c.written, c.code, c.ko, c.en, c.status, c.severity, c.detail, b.name AS about_thing
FROM journey_current AS c
LEFT JOIN journey_thing AS b ON b._patient = '' AND b.thing = c.about
WHERE c._patient = :patient
ORDER BY c.section, CASE WHEN c.low IS NULL THEN 1 ELSE 0 END, c.low DESC, c._source
