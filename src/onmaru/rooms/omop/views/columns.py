"""How each CDM column is made of the room's facts. A column that is not named here stays empty."""

from __future__ import annotations

_CODES = """facts f
LEFT JOIN chosen v ON v.fact = f.id AND v.role = 'value'
LEFT JOIN chosen u ON u.fact = f.id AND u.role = 'unit'
LEFT JOIN chosen r ON r.fact = f.id AND r.role = 'route'
LEFT JOIN concept op
    ON op.domain_id = 'Meas Value Operator' AND op.standard_concept = 'S' AND op.concept_name = f.operator"""


def _where(table: str) -> str:
    return f"{_CODES}\nWHERE f.home = '{table}'"


_BY_NAME = """LEFT JOIN (
    SELECT c.fact, min(coalesce(c.target, k.concept_id)) AS concept, min(c.source_concept) AS source_concept,
        min(c.code) AS code
    FROM chosen c
    LEFT JOIN concept k
        ON k.domain_id = '{domain}' AND k.standard_concept = 'S' AND lower(k.concept_name) = lower(c.label)
    WHERE c.role = '{role}' GROUP BY c.fact
) {role} ON {role}.fact = f.id"""


def _by_name(role: str, domain: str) -> str:
    """Codings of race and ethnicity count by their own concept or by a standard concept of the same name."""
    return _BY_NAME.replace("{role}", role).replace("{domain}", domain)


FROM = {
    "person": f"persons f\n{_by_name('race', 'Race')}\n{_by_name('ethnicity', 'Ethnicity')}",
    "visit_occurrence": """visits f
LEFT JOIN (SELECT visit_id, max(start_date) AS day FROM facts GROUP BY visit_id) seen ON seen.visit_id = f.id""",
    **{
        table: _where(table)
        for table in ("condition_occurrence", "drug_exposure", "procedure_occurrence", "measurement", "observation")
    },
}
_TYPE = "(SELECT id FROM ehr)"
_SHARED = {"person_id": "f.person_id", "visit_occurrence_id": "f.visit_id"}
_VALUE = {
    "value_as_number": "f.number",
    "value_as_concept_id": "CASE WHEN v.fact IS NOT NULL THEN coalesce(v.target, 0) END",
    "unit_concept_id": "CASE WHEN f.unit <> '' THEN coalesce(u.target, 0) END",
    "unit_source_value": "f.unit",
    "value_source_value": "f.said",
}
VALUES: dict[str, dict[str, str]] = {
    "person": {
        "person_id": "f.id",
        "gender_concept_id": "f.concept",
        "year_of_birth": "f.year",
        "month_of_birth": "f.month",
        "day_of_birth": "f.day",
        "birth_datetime": "f.birth",
        "race_concept_id": "coalesce(race.concept, 0)",
        "ethnicity_concept_id": "coalesce(ethnicity.concept, 0)",
        "person_source_value": "f.name",
        "gender_source_value": "f.gender",
        "gender_source_concept_id": "0",
        "race_source_value": "race.code",
        "race_source_concept_id": "coalesce(race.source_concept, 0)",
        "ethnicity_source_value": "ethnicity.code",
        "ethnicity_source_concept_id": "coalesce(ethnicity.source_concept, 0)",
    },
    "visit_occurrence": {
        "visit_occurrence_id": "f.id",
        "person_id": "f.person_id",
        "visit_concept_id": "f.concept",
        "visit_start_date": "f.start_date",
        "visit_start_datetime": "f.start_time",
        # A visit that has not ended, ends for now on the last day on which anything happened in it.
        "visit_end_date": "coalesce(f.end_date, greatest(f.start_date, seen.day))",
        "visit_end_datetime": "f.end_time",
        "visit_type_concept_id": _TYPE,
        "visit_source_value": "f.source_value",
        "visit_source_concept_id": "0",
    },
    "condition_occurrence": {
        **_SHARED,
        "condition_occurrence_id": "f.id",
        "condition_concept_id": "f.concept",
        "condition_start_date": "f.start_date",
        "condition_start_datetime": "f.start_time",
        "condition_end_date": "f.end_date",
        "condition_end_datetime": "f.end_time",
        "condition_type_concept_id": _TYPE,
        "stop_reason": "f.stop_reason",
        "condition_source_value": "f.code",
        "condition_source_concept_id": "f.source_concept",
        "condition_status_source_value": "f.status",
    },
    "drug_exposure": {
        **_SHARED,
        "drug_exposure_id": "f.id",
        "drug_concept_id": "f.concept",
        "drug_exposure_start_date": "f.start_date",
        "drug_exposure_start_datetime": "f.start_time",
        # CDM 5.4, drug_exposure_end_date: the given end, else start + days' supply - 1, else the start.
        "drug_exposure_end_date": "coalesce(f.end_date, f.start_date + greatest(coalesce(f.days, 1) - 1, 0)::INTEGER)",
        "drug_exposure_end_datetime": "f.end_time",
        "verbatim_end_date": "f.end_date",
        "drug_type_concept_id": _TYPE,
        "stop_reason": "f.stop_reason",
        "refills": "f.refills",
        "quantity": "f.quantity",
        "days_supply": "f.days",
        "sig": "nullif(f.sig, '')",
        "route_concept_id": "CASE WHEN f.route <> '' THEN coalesce(r.target, 0) END",
        "lot_number": "f.lot",
        "drug_source_value": "f.code",
        "drug_source_concept_id": "f.source_concept",
        "route_source_value": "f.route",
    },
    "procedure_occurrence": {
        **_SHARED,
        "procedure_occurrence_id": "f.id",
        "procedure_concept_id": "f.concept",
        "procedure_date": "f.start_date",
        "procedure_datetime": "f.start_time",
        "procedure_end_date": "f.end_date",
        "procedure_end_datetime": "f.end_time",
        "procedure_type_concept_id": _TYPE,
        "procedure_source_value": "f.code",
        "procedure_source_concept_id": "f.source_concept",
    },
    "measurement": {
        **_SHARED,
        **_VALUE,
        "measurement_id": "f.id",
        "measurement_concept_id": "f.concept",
        "measurement_date": "f.start_date",
        "measurement_datetime": "f.start_time",
        "measurement_time": "f.clock",
        "measurement_type_concept_id": _TYPE,
        "operator_concept_id": "CASE WHEN f.operator <> '' THEN coalesce(op.concept_id, 0) END",
        "range_low": "f.low",
        "range_high": "f.high",
        "measurement_source_value": "f.code",
        "measurement_source_concept_id": "f.source_concept",
        "unit_source_concept_id": "CASE WHEN f.unit <> '' THEN coalesce(u.source_concept, 0) END",
    },
    "observation": {
        **_SHARED,
        **_VALUE,
        "observation_id": "f.id",
        "observation_concept_id": "f.concept",
        "observation_date": "f.start_date",
        "observation_datetime": "f.start_time",
        "observation_type_concept_id": _TYPE,
        "value_as_string": "CASE WHEN f.number IS NULL THEN f.said END",
        "observation_source_value": "f.code",
        "observation_source_concept_id": "f.source_concept",
    },
}
