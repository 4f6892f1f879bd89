"""The seven tables of OMOP CDM 5.4: columns in the order of its DDL, types of its field-level file (OHDSI, CDM v5.4).

Every key is a bigint here, since our ids have 63 bits; the CDM's own DDL allows that for event keys only.
"""

from __future__ import annotations

import pyarrow as pa

_KINDS = {"id": pa.int64(), "n": pa.int64(), "x": pa.float64(), "d": pa.date32(), "t": pa.timestamp("us")}

# name:kind; a kind of digits is varchar(digits), `text` has no limit; ! marks a column that must have a value.
_WRITTEN = {
    "person": """person_id:id! gender_concept_id:n! year_of_birth:n! month_of_birth:n day_of_birth:n birth_datetime:t
        race_concept_id:n! ethnicity_concept_id:n! location_id:id provider_id:id care_site_id:id person_source_value:50
        gender_source_value:50 gender_source_concept_id:n race_source_value:50 race_source_concept_id:n
        ethnicity_source_value:50 ethnicity_source_concept_id:n""",
    "visit_occurrence": """visit_occurrence_id:id! person_id:id! visit_concept_id:n! visit_start_date:d!
        visit_start_datetime:t visit_end_date:d! visit_end_datetime:t visit_type_concept_id:n! provider_id:id
        care_site_id:id visit_source_value:50 visit_source_concept_id:n admitted_from_concept_id:n
        admitted_from_source_value:50 discharged_to_concept_id:n discharged_to_source_value:50
        preceding_visit_occurrence_id:id""",
    "condition_occurrence": """condition_occurrence_id:id! person_id:id! condition_concept_id:n! condition_start_date:d!
        condition_start_datetime:t condition_end_date:d condition_end_datetime:t condition_type_concept_id:n!
        condition_status_concept_id:n stop_reason:20 provider_id:id visit_occurrence_id:id visit_detail_id:id
        condition_source_value:50 condition_source_concept_id:n condition_status_source_value:50""",
    "drug_exposure": """drug_exposure_id:id! person_id:id! drug_concept_id:n! drug_exposure_start_date:d!
        drug_exposure_start_datetime:t drug_exposure_end_date:d! drug_exposure_end_datetime:t verbatim_end_date:d
        drug_type_concept_id:n! stop_reason:20 refills:n quantity:x days_supply:n sig:text route_concept_id:n lot_number:50
        provider_id:id visit_occurrence_id:id visit_detail_id:id drug_source_value:50 drug_source_concept_id:n
        route_source_value:50 dose_unit_source_value:50""",
    "procedure_occurrence": """procedure_occurrence_id:id! person_id:id! procedure_concept_id:n! procedure_date:d!
        procedure_datetime:t procedure_end_date:d procedure_end_datetime:t procedure_type_concept_id:n!
        modifier_concept_id:n quantity:n provider_id:id visit_occurrence_id:id visit_detail_id:id
        procedure_source_value:50 procedure_source_concept_id:n modifier_source_value:50""",
    "measurement": """measurement_id:id! person_id:id! measurement_concept_id:n! measurement_date:d! measurement_datetime:t
        measurement_time:10 measurement_type_concept_id:n! operator_concept_id:n value_as_number:x value_as_concept_id:n
        unit_concept_id:n range_low:x range_high:x provider_id:id visit_occurrence_id:id visit_detail_id:id
        measurement_source_value:50 measurement_source_concept_id:n unit_source_value:50 unit_source_concept_id:n
        value_source_value:50 measurement_event_id:id meas_event_field_concept_id:n""",
    "observation": """observation_id:id! person_id:id! observation_concept_id:n! observation_date:d! observation_datetime:t
        observation_type_concept_id:n! value_as_number:x value_as_string:60 value_as_concept_id:n qualifier_concept_id:n
        unit_concept_id:n provider_id:id visit_occurrence_id:id visit_detail_id:id observation_source_value:50
        observation_source_concept_id:n unit_source_value:50 qualifier_source_value:50 value_source_value:50
        observation_event_id:id obs_event_field_concept_id:n""",
}
COLUMNS = {
    table: tuple(
        (name, kind.rstrip("!"), kind.endswith("!")) for name, _, kind in (c.partition(":") for c in text.split())
    )
    for table, text in _WRITTEN.items()
}
# concept.domain_id → the table it belongs to; a domain that is not here leaves a row in its resource's usual table.
DOMAINS = {
    "Measurement": "measurement",
    "Observation": "observation",
    "Procedure": "procedure_occurrence",
    "Condition": "condition_occurrence",
    "Drug": "drug_exposure",
}


def schema(table: str) -> pa.Schema:
    """The table's Arrow schema; a column that must have a value is not nullable."""
    return pa.schema([pa.field(n, _KINDS.get(kind, pa.string()), not must) for n, kind, must in COLUMNS[table]])


def limit(kind: str) -> int:
    """How many characters a varchar column takes; 0: no limit, or no varchar."""
    return int(kind) if kind.isdigit() else 0
