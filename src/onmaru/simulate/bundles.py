"""What newer systems of the hospital send as FHIR R4 transactions: doses given and questionnaires answered.

Every entry is created only if its identifier is not there yet, so that the same bundle twice adds nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from onmaru.simulate.chart import Chart, Visit
from onmaru.simulate.codes import Drug
from onmaru.simulate.people import Person
from onmaru.simulate.staff import Member
from onmaru.simulate.systems import (
    ATC,
    LOCAL_URI,
    MRN,
    ORDER,
    RESIDENT,
    ROAD_ADDRESS,
    STAFF,
    VISIT,
    oid,
)
from onmaru.simulate.truth import count
from onmaru.simulate.world import World

Resource = dict[str, Any]


def identifier(system: str, value: str) -> Resource:
    return {"system": system, "value": value}


def _entry(resource: Resource) -> Resource:
    first = resource["identifier"]
    one = first if isinstance(first, dict) else first[0]
    name = f"{resource['resourceType']}?identifier={one['system']}|{one['value']}"
    return {
        "fullUrl": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}",
        "resource": resource,
        "request": {
            "method": "POST",
            "url": resource["resourceType"],
            "ifNoneExist": f"identifier={one['system']}|{one['value']}",
        },
    }


def transaction(resources: Sequence[Resource]) -> Resource:
    """A transaction that creates what is not there yet."""
    return {"resourceType": "Bundle", "type": "transaction", "entry": [_entry(one) for one in resources]}


def patient(person: Person, mrn: str) -> Resource:
    """The patient as KR Core asks: identifiers, name.text, gender, birth date, road-name address."""
    where = person.address
    road = [
        {"url": "district", "valueString": f"{where.province} {where.district}"},
        {"url": "roadName", "valueString": where.road},
        {"url": "detailedAddress", "valueString": f"{where.building}, {where.detail}"},
        {"url": "complements", "valueString": where.dong},
    ]
    text = f"{where.province} {where.district} {where.road} {where.building}, {where.detail} ({where.dong})"
    kind = "http://terminology.hl7.org/CodeSystem/v2-0203"
    return {
        "resourceType": "Patient",
        "identifier": [
            {"type": {"coding": [{"system": kind, "code": "MR"}]}, **identifier(oid(MRN), mrn)},
            {"type": {"coding": [{"system": kind, "code": "NI"}]}, **identifier(oid(RESIDENT), person.resident)},
        ],
        "name": [
            {"use": "official", "text": person.name, "family": person.family, "given": [person.given]},
            {"use": "usual", "family": person.family_latin, "given": [person.given_latin]},
        ],
        "telecom": [{"system": "phone", "value": person.phone, "use": "mobile"}],
        "gender": "male" if person.sex == "M" else "female",
        "birthDate": person.born.isoformat(),
        "address": [{"extension": [{"extension": road, "url": ROAD_ADDRESS}], "text": text, "postalCode": "00000"}],
    }


def _about(chart: Chart, visit: Visit, resource: Resource) -> list[Resource]:
    """The patient, created only where the number is unknown, and a resource about her."""
    subject = {"reference": _entry(patient(chart.person, chart.mrn))["fullUrl"]}
    key = "context" if resource["resourceType"] == "MedicationAdministration" else "encounter"
    seen = {"type": "Encounter", "identifier": identifier(oid(VISIT), visit.number)}
    return [patient(chart.person, chart.mrn), {**resource, "subject": subject, key: seen}]


def administration(chart: Chart, visit: Visit, drug: Drug, placer: str) -> None:
    """One dose given, by the nurse on duty."""
    world = chart.world
    nurse = world.roster.nurse(visit.bed.ward, world.now)
    dose = {"value": float(drug.amount), "unit": drug.unit, "system": "http://unitsofmeasure.org", "code": drug.unit}
    drug_codes = [
        {"system": LOCAL_URI, "code": drug.edi, "display": drug.ko},
        {"system": ATC, "code": drug.atc, "display": drug.en},
    ]
    resource: Resource = {
        "resourceType": "MedicationAdministration",
        "identifier": [identifier(oid(ORDER), world.number("MA"))],
        "status": "completed",
        "medicationCodeableConcept": {"coding": drug_codes, "text": drug.ko},
        "effectiveDateTime": world.now.isoformat(),
        "performer": [{"actor": _named(nurse)}],
        "request": {"type": "MedicationRequest", "identifier": identifier(oid(ORDER), placer)},
        "dosage": {"dose": dose},
    }
    count(world.truth.administrations, chart.mrn)
    world.send_json("fhir", "EMAR", "MedicationAdministration", transaction(_about(chart, visit, resource)))


def answered(chart: Chart, name: str, answers: Sequence[tuple[str, str, str | int]]) -> None:
    """A questionnaire answered on a tablet: (link, question, answer) each."""
    world, visit = chart.world, chart.here
    items = []
    for link, question, answer in answers:
        key = "valueInteger" if isinstance(answer, int) else "valueString"
        items.append({"linkId": link, "text": question, "answer": [{key: answer}]})
    resource: Resource = {
        "resourceType": "QuestionnaireResponse",
        "identifier": identifier(oid(ORDER), world.number("QR")),
        "questionnaire": f"urn:onmaru:simulated:questionnaire:{name}",
        "status": "completed",
        "authored": world.now.isoformat(),
        "item": items,
    }
    count(world.truth.answers, chart.mrn)
    world.send_json("fhir", "PRO", "QuestionnaireResponse", transaction(_about(chart, visit, resource)))


def _named(one: Member) -> Resource:
    return {"type": "Practitioner", "identifier": identifier(oid(STAFF), one.number), "display": one.name}


def numerics(world: World, chart: Chart, visit: Visit, values: Iterator[tuple[str, str, str]]) -> None:
    """The `vitals` channel: `{"at_us","mrn","visit","bed","values":{LOINC:[number, UCUM unit]}}`."""
    bed = f"{visit.bed.ward}/{visit.bed.room}/{visit.bed.number}"
    content = {
        "at_us": world.now_us,
        "mrn": chart.mrn,
        "visit": visit.number,
        "bed": bed,
        "values": {loinc: [float(value), unit] for loinc, value, unit in values},
    }
    world.send_json("vitals", "MONITOR", "numerics", content)
