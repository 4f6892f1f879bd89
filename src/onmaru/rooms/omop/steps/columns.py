"""How each column of a CDM table is made of the base's rows and what was resolved. One not named here stays empty."""

from __future__ import annotations

from onmaru.rooms.omop.cdm import DOMAINS

_TYPE = "f.type_concept"
_EVENT = {
    "person_id": "f.person_id",
    "visit_occurrence_id": "f.visit_id",
    "visit_detail_id": "f.detail_id",
    "provider_id": "f.provider_id",
}
_VALUE = {
    "value_as_number": "f.number",
    "value_as_concept_id": "f.value_concept",
    "unit_concept_id": "f.unit_concept",
    "unit_source_value": "f.unit",
    "value_source_value": "f.said",
}
_STAY = {
    "person_id": "f.person_id",
    "provider_id": "f.provider_id",
    "care_site_id": "f.care_site_id",
    "admitted_from_concept_id": "f.admit_concept",
    "admitted_from_source_value": "f.admit",
    "discharged_to_concept_id": "f.discharge_concept",
    "discharged_to_source_value": "f.discharge",
}
# A visit that has not ended, ends for now on the last day on which anything happened in it.
_STAY_END = "coalesce(f.end_date, greatest(f.start_date, coalesce(f.last_day, f.start_date)))"
MERGED = "CASE WHEN p.more = '' THEN f._patients ELSE f._patients || ' ' || p.more END"


def _stay(stem: str) -> dict[str, str]:
    return {
        **_STAY,
        f"{stem}_concept_id": "f.concept",
        f"{stem}_start_date": "f.start_date",
        f"{stem}_start_datetime": "f.start_time",
        f"{stem}_end_date": _STAY_END,
        f"{stem}_end_datetime": "f.end_time",
        f"{stem}_type_concept_id": "f.type_concept",
        f"{stem}_source_value": "f.source_value",
        f"{stem}_source_concept_id": "0",
    }


def _home(table: str) -> str:
    return f"@omop_facts f WHERE f.home = '{table}'"


_SORTS = " ".join(f"WHEN '{table}' THEN s.{domain.lower()}" for domain, table in DOMAINS.items())
_SORT = f"CASE f.home {_SORTS} END"

# CDM table → the base table whose rows it is made of, and how they are reached; `_patients` is f's unless told.
FROM: dict[str, tuple[str, str]] = {
    "person": (
        "omop_person",
        """@omop_person f
JOIN @omop_people p ON p.id = f.id AND p.person = f.id
LEFT JOIN @omop_mapping g ON g.key = f.gender_key AND g.nth = 0
LEFT JOIN @omop_mapping r ON r.key = f.race_key AND r.nth = 0
LEFT JOIN @omop_mapping e ON e.key = f.ethnicity_key AND e.nth = 0
LEFT JOIN @provider s ON s.provider_id = f.provider
LEFT JOIN @care_site c ON c.care_site_id = f.site""",
    ),
    "visit_occurrence": ("omop_visit", "@omop_stays f WHERE f.detail IS NULL"),
    "visit_detail": ("omop_visit", "@omop_stays f WHERE f.detail IS NOT NULL"),
    "death": (
        "omop_person",
        """@omop_person f
JOIN @omop_people p ON p.id = f.id AND p.person = f.id
LEFT JOIN @omop_mapping y ON y.key = f.kind AND y.nth = 0
WHERE f.died_date IS NOT NULL""",
    ),
    "note": (
        "omop_note",
        """@omop_note f
JOIN @omop_people p ON p.id = f.person
LEFT JOIN @omop_visits v ON v.id = f.visit AND v.person = p.person
LEFT JOIN @provider s ON s.provider_id = f.provider
LEFT JOIN @omop_mapping m ON m.key = f.class AND m.nth = 0
LEFT JOIN @omop_mapping y ON y.key = f.kind AND y.nth = 0""",
    ),
    "specimen": (
        "omop_specimen",
        """@omop_specimen f
JOIN @omop_people p ON p.id = f.person
LEFT JOIN @omop_mapping m ON m.key = f.code AND m.nth = 0
LEFT JOIN @omop_mapping u ON u.key = f.unit_key AND u.nth = 0
LEFT JOIN @omop_mapping a ON a.key = f.site_key AND a.nth = 0
LEFT JOIN @omop_mapping y ON y.key = f.kind AND y.nth = 0""",
    ),
    "payer_plan_period": (
        "omop_plan",
        """@omop_plan f
JOIN @omop_people p ON p.id = f.person
LEFT JOIN @omop_mapping m ON m.key = f.payer_key AND m.nth = 0""",
    ),
    "episode": (
        "omop_episode",
        """@omop_episode f
JOIN @omop_people p ON p.id = f.person
LEFT JOIN @omop_mapping m ON m.key = f.code AND m.nth = 0
LEFT JOIN @omop_mapping y ON y.key = f.kind AND y.nth = 0""",
    ),
    "cost": (
        "omop_cost",
        """@omop_cost f
JOIN @omop_people p ON p.id = f.person
JOIN @omop_visits v ON v.id = f.visit AND v.person = p.person
LEFT JOIN @omop_mapping c ON c.key = f.currency_key AND c.nth = 0
LEFT JOIN @omop_mapping y ON y.key = f.kind AND y.nth = 0""",
    ),
    "episode_event": (
        "omop_visit",
        """@omop_visit f
JOIN @omop_people p ON p.id = f.person
JOIN @omop_visits v ON v.id = f.id
JOIN @omop_episodes e ON e.id = f.episode AND e.person = p.person
LEFT JOIN @omop_mapping m ON m.key = f.episode_key AND m.nth = 0
WHERE v.detail IS NULL AND f.episode IS NOT NULL""",
    ),
    "fact_relationship": (
        "omop_fact",
        """@omop_facts f
JOIN @omop_specimens s ON s.id = f.specimen AND s.person = f.person_id
CROSS JOIN (VALUES (false), (true)) w(back)
LEFT JOIN @omop_mapping m ON m.key = CASE WHEN w.back THEN f.measured_key ELSE f.specimen_key END AND m.nth = 0
WHERE f.specimen IS NOT NULL""",
    ),
    **{
        table: ("omop_fact", _home(table))
        for table in (
            "condition_occurrence",
            "drug_exposure",
            "procedure_occurrence",
            "device_exposure",
            "measurement",
            "observation",
        )
    },
}
VALUES: dict[str, dict[str, str]] = {
    "person": {
        "person_id": "f.id",
        "gender_concept_id": "coalesce(g.target, 0)",
        "year_of_birth": "f.year",
        "month_of_birth": "f.month",
        "day_of_birth": "f.day",
        "birth_datetime": "f.birth",
        "race_concept_id": "coalesce(r.target, 0)",
        "ethnicity_concept_id": "coalesce(e.target, 0)",
        "location_id": "f.place",
        "provider_id": "s.provider_id",
        "care_site_id": "c.care_site_id",
        "person_source_value": "f.name",
        "gender_source_value": "f.gender",
        "gender_source_concept_id": "0",
        "race_source_value": "f.race",
        "race_source_concept_id": "coalesce(r.source_concept, 0)",
        "ethnicity_source_value": "f.ethnicity",
        "ethnicity_source_concept_id": "coalesce(e.source_concept, 0)",
    },
    "visit_occurrence": {**_stay("visit"), "visit_occurrence_id": "f.id"},
    "visit_detail": {
        **_stay("visit_detail"),
        "visit_detail_id": "f.id",
        "parent_visit_detail_id": "f.parent",
        "visit_occurrence_id": "f.visit_id",
    },
    "death": {
        "person_id": "f.id",
        "death_date": "f.died_date",
        "death_datetime": "f.died_time",
        "death_type_concept_id": "coalesce(y.target, 0)",
    },
    "note": {
        "note_id": "f.id",
        "person_id": "p.person",
        "note_date": "f.start_date",
        "note_datetime": "f.start_time",
        "note_type_concept_id": "coalesce(y.target, 0)",
        "note_class_concept_id": "coalesce(m.target, 0)",
        "note_title": "f.title",
        "note_text": "f.text",
        "encoding_concept_id": "0",
        "language_concept_id": "0",
        "provider_id": "s.provider_id",
        "visit_occurrence_id": "v.visit",
        "visit_detail_id": "v.detail",
        "note_source_value": "f.source_value",
    },
    "specimen": {
        "specimen_id": "f.id",
        "person_id": "p.person",
        "specimen_concept_id": "coalesce(m.target, 0)",
        "specimen_type_concept_id": "coalesce(y.target, 0)",
        "specimen_date": "f.start_date",
        "specimen_datetime": "f.start_time",
        "quantity": "f.quantity",
        "unit_concept_id": "CASE WHEN f.unit <> '' THEN coalesce(u.target, 0) END",
        "anatomic_site_concept_id": "CASE WHEN f.body_site <> '' THEN coalesce(a.target, 0) END",
        "specimen_source_id": "f.name",
        "specimen_source_value": "f.source_value",
        "unit_source_value": "f.unit",
        "anatomic_site_source_value": "f.body_site",
    },
    "payer_plan_period": {
        "payer_plan_period_id": "f.id",
        "person_id": "p.person",
        "payer_plan_period_start_date": "f.start_date",
        "payer_plan_period_end_date": "f.end_date",
        "payer_concept_id": "coalesce(m.target, 0)",
        "payer_source_value": "f.payer",
        "payer_source_concept_id": "coalesce(m.source_concept, 0)",
        "plan_source_value": "f.plan",
        "sponsor_source_value": "f.sponsor",
    },
    "episode": {
        "episode_id": "f.id",
        "person_id": "p.person",
        "episode_concept_id": "coalesce(m.target, 0)",
        "episode_start_date": "f.start_date",
        "episode_start_datetime": "f.start_time",
        "episode_end_date": "f.end_date",
        "episode_end_datetime": "f.end_time",
        "episode_object_concept_id": "0",
        "episode_type_concept_id": "coalesce(y.target, 0)",
        "episode_source_value": "f.source_value",
        "episode_source_concept_id": "coalesce(m.source_concept, 0)",
    },
    "episode_event": {
        "episode_id": "f.episode",
        "event_id": "v.visit",
        "episode_event_field_concept_id": "coalesce(m.target, 0)",
    },
    "fact_relationship": {
        "domain_concept_id_1": f"coalesce(CASE WHEN w.back THEN s.specimen ELSE {_SORT} END, 0)",
        "fact_id_1": "CASE WHEN w.back THEN s.id ELSE f.id END",
        "domain_concept_id_2": f"coalesce(CASE WHEN w.back THEN {_SORT} ELSE s.specimen END, 0)",
        "fact_id_2": "CASE WHEN w.back THEN f.id ELSE s.id END",
        "relationship_concept_id": "coalesce(m.target, 0)",
    },
    "cost": {
        "cost_id": "f.id",
        "cost_event_id": "v.visit",
        "cost_domain_id": "'Visit'",
        "cost_type_concept_id": "coalesce(y.target, 0)",
        "currency_concept_id": "c.target",
        "total_charge": "f.charge",
        "total_paid": "f.paid",
        "paid_by_payer": "f.benefit",
        "paid_patient_copay": "f.copay",
        "paid_patient_deductible": "f.deductible",
        "amount_allowed": "f.allowed",
    },
    "condition_occurrence": {
        **_EVENT,
        "condition_occurrence_id": "f.id",
        "condition_concept_id": "f.concept",
        "condition_start_date": "f.start_date",
        "condition_start_datetime": "f.start_time",
        "condition_end_date": "f.end_date",
        "condition_end_datetime": "f.end_time",
        "condition_type_concept_id": _TYPE,
        "condition_status_concept_id": "f.status_concept",
        "stop_reason": "f.stop_reason",
        "condition_source_value": "f.source_code",
        "condition_source_concept_id": "f.source_concept",
        "condition_status_source_value": "f.status",
    },
    "drug_exposure": {
        **_EVENT,
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
        "route_concept_id": "f.route_concept",
        "lot_number": "f.lot",
        "drug_source_value": "f.source_code",
        "drug_source_concept_id": "f.source_concept",
        "route_source_value": "f.route",
        "dose_unit_source_value": "f.dose_unit",
    },
    "procedure_occurrence": {
        **_EVENT,
        "procedure_occurrence_id": "f.id",
        "procedure_concept_id": "f.concept",
        "procedure_date": "f.start_date",
        "procedure_datetime": "f.start_time",
        "procedure_end_date": "f.end_date",
        "procedure_end_datetime": "f.end_time",
        "procedure_type_concept_id": _TYPE,
        "procedure_source_value": "f.source_code",
        "procedure_source_concept_id": "f.source_concept",
    },
    "device_exposure": {
        **_EVENT,
        "device_exposure_id": "f.id",
        "device_concept_id": "f.concept",
        "device_exposure_start_date": "f.start_date",
        "device_exposure_start_datetime": "f.start_time",
        "device_exposure_end_date": "f.end_date",
        "device_exposure_end_datetime": "f.end_time",
        "device_type_concept_id": _TYPE,
        "unique_device_id": "f.device_id",
        "production_id": "f.production_id",
        "quantity": "f.quantity",
        "device_source_value": "f.source_code",
        "device_source_concept_id": "f.source_concept",
        "unit_concept_id": "f.unit_concept",
        "unit_source_value": "f.unit",
        "unit_source_concept_id": "f.unit_source_concept",
    },
    "measurement": {
        **_EVENT,
        **_VALUE,
        "measurement_id": "f.id",
        "measurement_concept_id": "f.concept",
        "measurement_date": "f.start_date",
        "measurement_datetime": "f.start_time",
        "measurement_time": "f.clock",
        "measurement_type_concept_id": _TYPE,
        "operator_concept_id": "f.operator_concept",
        "range_low": "f.low",
        "range_high": "f.high",
        "measurement_source_value": "f.source_code",
        "measurement_source_concept_id": "f.source_concept",
        "unit_source_concept_id": "f.unit_source_concept",
    },
    "observation": {
        **_EVENT,
        **_VALUE,
        "observation_id": "f.id",
        "observation_concept_id": "f.concept",
        "observation_date": "f.start_date",
        "observation_datetime": "f.start_time",
        "observation_type_concept_id": _TYPE,
        "value_as_string": "CASE WHEN f.number IS NULL THEN f.said END",
        "observation_source_value": "f.source_code",
        "observation_source_concept_id": "f.source_concept",
    },
}
