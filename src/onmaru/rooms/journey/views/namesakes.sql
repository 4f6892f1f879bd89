-- tables: journey_stay, journey_thing, journey_patient, journey_link
-- Others on the same ward whose name is one of the patient's names, or the other way round. A merged record of the same
-- person is no namesake. `patient` is the one shown, so that the audit names it.
SELECT DISTINCT a.patient AS subject, b.patient AS patient, q.name, q.number, q.birth, q.sex, b.ward_name, b.room, b.bed
FROM ({stays}) AS a
JOIN ({stays}) AS b ON b.ward = a.ward AND b.patient <> a.patient
JOIN journey_patient AS p ON p._patient = a.patient
JOIN journey_patient AS q ON q._patient = b.patient
WHERE a.patient IN ({patients})
  AND a.ward <> ''
  AND p.name_key <> ''
  AND q.name_key <> ''
  AND (p.name_keys LIKE '%|' || q.name_key || '|%' OR q.name_keys LIKE '%|' || p.name_key || '|%')
  AND NOT EXISTS (
      SELECT 1 FROM journey_link AS l
      WHERE l.relation = 'merged'
        AND ((l.survivor = a.patient AND l.gone = b.patient) OR (l.survivor = b.patient AND l.gone = a.patient))
  )
ORDER BY a.patient, q.number, b.patient
