-- tables: journey_patient
-- Identity of one patient.
SELECT patient, name, name_key, other_names, birth, sex, number, shown, deceased, active, _version AS version
FROM journey_patient
WHERE _patient = :patient
