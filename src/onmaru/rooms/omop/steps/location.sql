-- No street or house number: where a person lives is told no nearer than by town and postcode.
SELECT id AS location_id, NULL AS address_1, NULL AS address_2, city, state, zip, county, source AS location_source_value,
    NULL AS country_concept_id, country AS country_source_value, latitude, longitude,
    _source, _version, _t, _patient, _patients, _labels
FROM @omop_place
