"""Random histories and searches over a small world, small on purpose so that values collide and references hit."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from onmaru.kernel.record import Change

PATIENTS = [f"p{n}" for n in range(4)]
OBSERVATIONS = [f"o{n}" for n in range(8)]
LOCATIONS = [f"l{n}" for n in range(4)]
LISTS = ["s0", "s1"]
CODES = ["8867-4", "8310-5", "x|y"]
SYSTEMS = ["http://loinc.org", "urn:local", ""]
NAMES = ["Kim", "김철수", "김 영희", "Müller", "O'Neil", "kimberly"]
NOTES = ["두통을 호소함", "no headache today", "위암 headaches\\", "Kim 김 두통 head"]
URLS = ["http://a.org", "http://a.org/x", "http://a.org/x/", "http://a.org/xy", "http://a.org/x/y#z", "urn:a:x"]
DATES = ["2019", "2020-02", "2020-02-29", "2020-02-29T10:00:00Z", "2020-02-29T10:00:00.5+09:00", "2021-12-31"]


def _coding(system: str, code: str, display: str) -> dict[str, str]:
    made = {"code": code, "display": display}
    return {"system": system, **made} if system else made


@st.composite
def patients(draw: st.DrawFn, id: str) -> dict[str, Any]:
    body: dict[str, Any] = {"resourceType": "Patient", "id": id}
    if draw(st.booleans()):
        body["name"] = [{"family": draw(st.sampled_from(NAMES)), "given": [draw(st.sampled_from(NAMES))]}]
    if draw(st.booleans()):
        body["birthDate"] = draw(st.sampled_from(["1980", "1980-05", "1980-05-05", "2001-01-01"]))
    if draw(st.booleans()):
        body["gender"] = draw(st.sampled_from(["male", "female"]))
    if draw(st.booleans()):
        body["active"] = draw(st.booleans())
    if draw(st.booleans()):
        kind = {"coding": [{"system": "urn:kind", "code": draw(st.sampled_from(["MR", "SS"]))}]}
        body["identifier"] = [
            {"system": draw(st.sampled_from(["urn:a", "urn:b"])), "value": draw(st.sampled_from("12")), "type": kind}
        ]
    if draw(st.booleans()):
        body["meta"] = {"source": draw(st.sampled_from(URLS))}
    if draw(st.booleans()):
        body["link"] = [{"other": {"reference": f"Patient/{draw(st.sampled_from(PATIENTS))}"}, "type": "seealso"}]
    return body


@st.composite
def locations(draw: st.DrawFn, id: str) -> dict[str, Any]:
    """Wards within wards, in a ring at times."""
    body: dict[str, Any] = {"resourceType": "Location", "id": id, "name": draw(st.sampled_from(NAMES))}
    if draw(st.integers(0, 3)):
        body["partOf"] = {"reference": f"Location/{draw(st.sampled_from(LOCATIONS))}"}
    return body


@st.composite
def lists(draw: st.DrawFn, id: str) -> dict[str, Any]:
    names = [f"Patient/{one}" for one in PATIENTS] + [f"Observation/{one}" for one in OBSERVATIONS[:4]]
    items = [{"item": {"reference": one}} for one in draw(st.lists(st.sampled_from(names), min_size=1, max_size=3))]
    return {"resourceType": "List", "id": id, "status": "current", "mode": "working", "entry": items}


@st.composite
def observations(draw: st.DrawFn, id: str) -> dict[str, Any]:
    coding = _coding(draw(st.sampled_from(SYSTEMS)), draw(st.sampled_from(CODES)), draw(st.sampled_from(NAMES)))
    body: dict[str, Any] = {
        "resourceType": "Observation",
        "id": id,
        "status": draw(st.sampled_from(["final", "amended"])),
        "code": {"coding": [coding]} if draw(st.booleans()) else {"text": draw(st.sampled_from(NAMES))},
    }
    if draw(st.integers(0, 4)):
        type, pool = draw(st.sampled_from([("Patient", PATIENTS), ("Patient", PATIENTS), ("Location", LOCATIONS)]))
        body["subject"] = {"reference": f"{type}/{draw(st.sampled_from(pool))}"}
    if draw(st.booleans()):
        body["hasMember"] = [{"reference": f"Observation/{draw(st.sampled_from(OBSERVATIONS))}"}]
    if draw(st.booleans()):
        body["effectiveDateTime"] = draw(st.sampled_from(DATES))
    elif draw(st.booleans()):
        body["effectivePeriod"] = {"start": draw(st.sampled_from(DATES[:3]))}
    if draw(st.booleans()):
        value = draw(st.sampled_from([1, 5.4, 5.45, 5.5, 100, -3]))
        body["valueQuantity"] = {"value": value, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
    elif draw(st.booleans()):
        body["valueString"] = draw(st.sampled_from(NAMES))
    if draw(st.booleans()):
        body["note"] = [{"text": draw(st.sampled_from(NOTES))}]
    if draw(st.booleans()):
        div = f'<div xmlns="http://www.w3.org/1999/xhtml">{draw(st.sampled_from(NOTES))}</div>'
        body["text"] = {"status": "additional", "div": div}
    return body


WORLD: dict[str, tuple[list[str], Callable[[str], st.SearchStrategy[dict[str, Any]]]]] = {
    "Patient": (PATIENTS, patients),
    "Observation": (OBSERVATIONS, observations),
    "Location": (LOCATIONS, locations),
    "List": (LISTS, lists),
}


@st.composite
def changes(draw: st.DrawFn) -> Change:
    type = draw(
        st.sampled_from(["Patient", "Patient", "Observation", "Observation", "Observation", "Location", "List"])
    )
    ids, made = WORLD[type]
    id = draw(st.sampled_from(ids))
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return Change("delete", type, id)
    if kind == 1:
        return Change("erase", type, id)
    body = draw(made(id))
    return Change("update", type, id, json.dumps(body, ensure_ascii=False).encode())


histories = st.lists(changes(), min_size=1, max_size=25)

PATIENT_PAIRS = [
    *(("name", n) for n in ("kim", "김", "mull", "zzz")),
    *(("name:exact", n) for n in NAMES[:3]),
    ("name:contains", "im"),
    ("family", "o'n"),
    ("gender", "male"),
    ("gender:not", "male"),
    ("gender", "male,female"),
    ("gender:missing", "true"),
    ("birthdate:missing", "false"),
    ("active", "true"),
    *(
        ("birthdate", p + d)
        for p in ("", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
        for d in ("1980", "1980-05-05")
    ),
    ("identifier", "urn:a|1"),
    ("identifier", "1"),
    ("identifier", "urn:b|"),
    ("identifier:of-type", "urn:kind|MR|1"),
    ("identifier:of-type", "|MR|1"),
    *(("_source:" + way, url) for way in ("above", "below") for url in URLS[:4]),
    ("_source", "http://a.org/x"),
    ("_id", "p1"),
    ("_id", "p1,p2"),
    ("_has:Observation:patient:code", "8867-4"),
    ("_has:Observation:subject:status", "amended"),
    ("_has:Observation:patient:_has:Observation:has-member:status", "final"),
    ("_has:Observation:subject:has-member.code", "8867-4"),
    ("_has:Patient:link:_has:Patient:link:gender", "male"),
    ("_has:Patient:link:link.link.name", "kim"),
    ("link.link.name:contains", "im"),
    ("link._has:Observation:patient:code", "8867-4"),
    ("_lastUpdated", "gt2020"),
    ("_content", "kim"),
    ("_has:Observation:patient:_content", "두통"),
    ("_list", "s0"),
    ("_revinclude", "*"),
    ("_revinclude:iterate", "Patient:link"),
    ("_include:iterate", "Patient:*"),
]
OBSERVATION_PAIRS = [
    ("code", "8867-4"),
    ("code", "http://loinc.org|8867-4"),
    ("code", "|8867-4"),
    ("code", "urn:local|"),
    ("code", "x\\|y"),
    ("code:not", "8867-4"),
    ("code:text", "kim"),
    ("code:text", "김"),
    ("status", "final"),
    ("patient", "p1"),
    ("patient", "Patient/p1"),
    ("subject", "Patient/p0,Patient/p2"),
    ("subject:missing", "true"),
    ("subject:Patient.name", "kim"),
    ("patient.gender:not", "male"),
    ("patient.birthdate", "lt1990"),
    *(("_content", text) for text in ("headache", "head*", "두통", "kim", '"두통 head"', "김 OR today", "통을 호소")),
    *(("_text", text) for text in ("headache", "head*", "암", "두통 (kim OR 호소)", '"no headache"')),
    ("subject.name", "kim"),
    ("subject:Location.partof.partof.name", "김"),
    ("subject.link.gender", "male,female"),
    ("has-member.has-member.patient.link.gender", "female"),
    ("has-member.patient._has:Observation:patient:status", "final"),
    ("_has:Observation:has-member:_has:Observation:has-member:_has:Observation:has-member:status", "amended"),
    ("patient:missing", "false"),
    *(("subject:" + way, "Location/" + id) for way in ("above", "below") for id in LOCATIONS[:2]),
    ("patient:Patient._source:below", "http://a.org/x"),
    ("status:in", "http://hl7.org/fhir/ValueSet/observation-status"),
    ("status:not-in", "http://hl7.org/fhir/ValueSet/observation-status"),
    *(("date", p + d) for p in ("", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap") for d in ("2020-02", "2020-02-29")),
    *(("value-quantity", p + "5.4") for p in ("", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")),
    ("value-quantity", "5.4|http://unitsofmeasure.org|mg"),
    ("value-quantity", "5.4||kg"),
    ("value-string", "kim"),
    ("code-value-quantity", "8867-4$gt5"),
    ("_id", "o1"),
    ("_id:not", "o1"),
    ("_sort", "date"),
    ("_sort", "-date,status"),
    ("_sort", "value-quantity"),
    ("_sort", "-_lastUpdated"),
    ("_sort", "code"),
    ("_count", "3"),
    ("_summary", "data"),
    ("_list", "s1"),
    ("_include", "*"),
    ("_include", "Observation:subject:Location"),
    ("_include:iterate", "Location:partof"),
    ("_revinclude", "List:*"),
    ("_revinclude:iterate", "Observation:has-member"),
]


@st.composite
def searches(draw: st.DrawFn) -> tuple[str, list[tuple[str, str]]]:
    type = draw(st.sampled_from(["Patient", "Observation", "Observation"]))
    pool = PATIENT_PAIRS if type == "Patient" else OBSERVATION_PAIRS
    pairs = draw(st.lists(st.sampled_from(pool), min_size=0, max_size=3, unique_by=lambda pair: pair[0]))
    return type, pairs
