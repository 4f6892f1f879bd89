"""A house with a made ward for the boards: two groups of patients, their orders, visits, appointments and a few beds.

Of 60 patients the odd are men. Each has one order of 2025; who is `reported` has a final report of it three hours later.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from onmaru.app import rooms
from onmaru.app.house import House, Place, system
from onmaru.kernel.caller import Caller, Purpose, Role, Scope
from onmaru.kernel.record import Change

PEOPLE = 60
HIRA = "http://www.hl7korea.or.kr/CodeSystem/hira-insurance-types"
KIND = "http://www.hl7korea.or.kr/fhir/krcore/StructureDefinition/krcore-insuranceTypes"


def begun(n: int) -> bool:
    """A report of some kind: all women, half of the men."""
    return n % 2 == 0 or n % 4 == 1


def reported(n: int) -> bool:
    """A final one: of those, all but two women and all but one man ... see `tests/journeys/test_equity_room.py`."""
    return begun(n)


def patient(n: int) -> dict[str, Any]:
    """Born 1930 to 1989; every third speaks English, every third Korean, of the others nothing is known."""
    said: dict[str, Any] = {
        "resourceType": "Patient", "id": f"p{n}", "gender": "male" if n % 2 else "female", "birthDate": f"{1930 + n}-05",
        "name": [{"text": f"환자{n}"}], "telecom": [{"system": "phone", "value": f"010-0000-{n:04}"}],
        "address": [{"district": "가구" if n <= 30 else "나구"}],
    }  # fmt: skip
    if n % 3:
        code = "en-US" if n % 3 == 1 else "ko"
        said["communication"] = [{"language": {"coding": [{"code": code}]}}]
    return said


def about(n: int) -> dict[str, str]:
    return {"reference": f"Patient/p{n}"}


def visit(n: int) -> dict[str, Any]:
    """An inpatient stay of n mod 5 + 1 days, paid by Medical Aid for the last 20."""
    kind = {"coding": [{"system": HIRA, "code": "5" if n > 40 else "4"}]}
    return {
        "resourceType": "Encounter", "id": f"e{n}", "status": "finished", "class": {"code": "IMP"}, "subject": about(n),
        "extension": [{"url": KIND, "valueCodeableConcept": kind}],
        "period": {"start": "2025-03-01T09:00:00+09:00", "end": f"2025-03-{2 + n % 5:02}T09:00:00+09:00"},
    }  # fmt: skip


def order(n: int) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest", "id": f"o{n}", "status": "active", "intent": "order", "subject": about(n),
        "authoredOn": "2025-03-01T10:00:00+09:00", "category": [{"coding": [{"code": "lab", "display": "검사"}]}],
    }  # fmt: skip


def report(n: int) -> dict[str, Any]:
    return {
        "resourceType": "DiagnosticReport", "id": f"r{n}", "status": "final", "subject": about(n),
        "code": {"text": "혈액"}, "basedOn": [{"reference": f"ServiceRequest/o{n}"}], "issued": "2025-03-01T13:00:00+09:00",
    }  # fmt: skip


def ward() -> list[dict[str, Any]]:
    """Four beds of one ward: one taken by p1, who is there now, one closed; an operation, appointments, a flag."""
    beds: list[dict[str, Any]] = [
        {"resourceType": "Location", "id": f"b{n}", "name": f"{n}번", "status": "active",
         "physicalType": {"coding": [{"code": "bd"}]}, "partOf": {"reference": "Location/w1"}}
        for n in range(1, 5)
    ]  # fmt: skip
    beds[3]["operationalStatus"] = {"code": "C"}
    now = {
        "resourceType": "Encounter", "id": "now", "status": "in-progress", "class": {"code": "IMP"}, "subject": about(1),
        "period": {"start": "2025-03-20T08:00:00+09:00"},
        "location": [{"location": {"reference": "Location/b1"}, "status": "active"}],
        "statusHistory": [{"status": "arrived", "period": {"start": "2025-03-20T08:00:00+09:00",
                                                          "end": "2025-03-20T08:25:00+09:00"}}],
    }  # fmt: skip
    operation = {
        "resourceType": "Procedure", "id": "op", "status": "completed", "subject": about(2), "code": {"text": "수술"},
        "location": {"reference": "Location/or1"},
        "performedPeriod": {"start": "2025-03-05T09:00:00+09:00", "end": "2025-03-05T11:30:00+09:00"},
    }  # fmt: skip
    appointments = [
        {"resourceType": "Appointment", "id": f"a{n}", "status": status, "created": "2025-03-01T09:00:00+09:00",
         "start": f"2025-03-{10 + n}T09:00:00+09:00", "end": f"2025-03-{10 + n}T09:10:00+09:00",
         "serviceType": [{"coding": [{"code": "1", "display": "외래"}]}],
         "participant": [{"actor": about(n), "status": "accepted"}]}
        for n, status in enumerate(("fulfilled", "noshow", "cancelled", "fulfilled", "arrived"), 1)
    ]  # fmt: skip
    flag = {"resourceType": "Flag", "id": "f1", "status": "active", "code": {"text": "낙상 위험"}, "subject": about(1)}
    places = [
        {"resourceType": "Location", "id": id, "name": name} for id, name in (("w1", "71병동"), ("or1", "1번 수술실"))
    ]
    return [*places, *beds, now, operation, *appointments, flag]


def everything() -> list[dict[str, Any]]:
    """All resources."""
    people = range(1, PEOPLE + 1)
    found = [one(n) for one in (patient, visit, order) for n in people]
    return [*found, *(report(n) for n in people if reported(n)), *ward()]


def asker(role: Role = "data-manager", purpose: Purpose = "HOPERAT", scopes: str = "cruds") -> Caller:
    """Who asks, with a scope on the whole record."""
    return Caller("main", "kim", frozenset({role}), purpose, (Scope("user", "*", frozenset(scopes)),))


def put(house: House, bodies: list[dict[str, Any]]) -> None:
    """Write resources, and let the tables follow."""
    changes = [Change("update", body["resourceType"], body["id"], msgspec.json.encode(body)) for body in bodies]
    house.seat("main").home.wait(house.hall(system("main")).record.write(changes)[-1].version.t)
    house.catch_up("main")


def opened(folder: Path, *names: str) -> House:
    """A house with these rooms and the made ward."""
    made = House(
        Place(folder / "home", folder / "keys", folder / "witness"), tuple(rooms.open_room(name) for name in names)
    )
    put(made, everything())
    return made
