-- tables: journey_reading
-- The newest standing values of one code, newest first.
SELECT _source AS source, low, written, ko, en, number, value, unit, flag, status, range_low, range_high
FROM journey_reading
WHERE _patient = :patient
  AND vital IN (0, 1)
  AND code = :code
ORDER BY low DESC, _source
LIMIT :count
