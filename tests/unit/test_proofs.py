"""What proofs are made of: requests for both sides of a pair, charts of other people."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onmaru.app.bench import loaded
from onmaru.app.checkout import root
from onmaru.app.prove.apart import Names, resources, tries
from onmaru.app.prove.fuzzing.surface import surface
from onmaru.fhir.structure import admit

HERS = Names("clinic-1a2b", "clinickeeper", "letter-1", "job-1", "Patient.0.ndjson?x", "client-1")
NOBODYS = Names("nobody-9z8y", "nobodykeeper", "letter-2", "job-2", "Patient.0.ndjson?x", "client-2")
STATED: dict[str, Any] = {
    "rest": [
        {
            "operation": [{"name": "export"}, {"name": "import"}],
            "resource": [
                {
                    "type": "Patient",
                    "operation": [{"name": "purge"}, {"name": "export"}],
                    "searchParam": [{"name": "link", "type": "reference"}],
                    "searchInclude": ["*"],
                },
                {"type": "Group", "operation": [{"name": "export"}], "searchParam": []},
            ],
        }
    ]
}


def test_the_surface_has_what_no_table_has() -> None:
    found = surface(STATED)
    declared = {("GET", "$export"), ("POST", "$import"), ("POST", "Patient/I/$purge"), ("GET", "Patient/$export")}
    assert declared | {("GET", "Group/I/$export"), ("DELETE", "$job/J")} <= set(found.fhir)
    assert {("GET", "T/I"), ("POST", "T/$terms")} <= set(found.fhir)
    assert len(found.routes) == len(set(found.routes)) > 100


def test_the_requests_for_two_names_differ_in_the_names_alone_and_leave_no_route_out() -> None:
    found = surface(STATED)
    pairs = list(zip(tries(found, HERS), tries(found, NOBODYS), strict=True))
    for hers, nobodys in pairs:
        text = "\n".join((hers.path, hers.body.decode()))
        for mine, theirs in zip(HERS, NOBODYS, strict=True):
            text = text.replace(mine, theirs)
        assert text == "\n".join((nobodys.path, nobodys.body.decode()))
    methods = {(one.method, one.path.split("/")[1]) for one, _ in pairs}
    assert {("PATCH", "fhir"), ("DELETE", "fhir"), ("POST", "api"), ("GET", "rooms")} <= methods
    shapes = {re.sub(r"/(clinic-1a2b|Patient)(?=/|$)", "", one.path) for one, _ in pairs}
    assert {"/fhir/$export", "/fhir/$import", "/fhir/$job/job-1", "/api/events"} <= shapes


def test_what_lies_in_the_tenant_is_sound() -> None:
    for one in resources(HERS):
        admit(json.dumps(one).encode())


def test_a_chart_of_another_number_is_of_another_person(
    shared_data: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONMARU_TEST_DATA", str(shared_data("fhir-synthea-r4").parent))
    monkeypatch.setattr(sys, "path", [*sys.path])
    identities = loaded(root() / "bench" / "_identities.py")
    monkeypatch.setattr(identities, "folder", lambda: shared_data("fhir-synthea-r4"))
    first = min(
        (path for path in shared_data("fhir-synthea-r4").glob("*.json.gz") if "Information" not in path.name),
        key=lambda path: path.stat().st_size,
    )
    known = [identities.compact(first)]
    one, again, other = (identities.identified(known, number) for number in (3, 3, 4))
    assert one == again != other
    uuids = [
        set(re.findall(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", raw))
        for raw in (known[0], one, other)
    ]
    # The Patient's other number is one too
    assert len(uuids[0]) - 1 <= len(uuids[1]) and not uuids[0] & uuids[1] and not uuids[1] & uuids[2]
    was, now = (
        next(e["resource"] for e in json.loads(raw)["entry"] if e["resource"]["resourceType"] == "Patient")
        for raw in (known[0], one)
    )
    assert was["name"][0]["family"].encode() not in one and was["birthDate"] != now["birthDate"]
    assert was["identifier"][0]["value"] != now["identifier"][0]["value"]
    for entry in json.loads(one)["entry"]:
        admit(json.dumps(entry["resource"]).encode())
