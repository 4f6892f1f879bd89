"""The lake at the keyboard and behind its door: status, SQL, export, a past position, freshness, and who may not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from onmaru.app import cli, refusal
from onmaru.app.house import MAIN, House, place, system
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.caller import Caller, Purpose, Role, Scope
from onmaru.kernel.lake import View
from onmaru.kernel.record import Change

IDS = View("ids", 'SELECT id, _patient FROM "Observation" ORDER BY id', ("Observation",), secondary=True)


@pytest.fixture(autouse=True)
def house_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("home", "keys", "witness"):
        monkeypatch.setenv(f"ONMARU_{name.upper()}", str(tmp_path / name))


@pytest.fixture
def house() -> Iterator[House]:
    made = House(place())
    write(made, {"resourceType": "Patient", "id": "p1"}, {"resourceType": "Patient", "id": "p2"})
    write(made, observation("a", "p1"), observation("b", "p2"))
    yield made
    made.close()


def observation(id: str, of: str, status: str = "final") -> dict[str, Any]:
    subject = {"reference": f"Patient/{of}"}
    value = {"value": 1.5, "unit": "mg"}
    base = {"resourceType": "Observation", "id": id, "status": status, "code": {"text": "x"}, "subject": subject}
    return {**base, "valueQuantity": value}


def write(house: House, *bodies: dict[str, Any], follow: bool = True) -> None:
    record = house.hall(system(MAIN)).record
    record.write([Change("update", body["resourceType"], body["id"], msgspec.json.encode(body)) for body in bodies])
    home = house.seat(MAIN).home
    home.wait(home.tip())
    if follow:
        house.catch_up(MAIN)


def asker(role: Role = "data-manager", purpose: Purpose = "HRESCH") -> Caller:
    return Caller(MAIN, "kim", frozenset({role}), purpose, (Scope("user", "*", frozenset("rs")),))


def ran(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, list[Any]]:
    status = cli.run([*args, "--json"])
    return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_status_sql_and_export_tell_their_position_and_are_audited(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(house, observation("a", "p1", "amended"))
    house.close()
    status, lines = ran(capsys, "lake", "status")
    assert status == refusal.DONE
    assert [(line["table"], line["rows"]) for line in lines[:-1]] == [("Observation", 2), ("Patient", 2)]
    assert lines[-1]["t"] == 5 and lines[-1]["behind"] == 0 and lines[-1]["bytes"] > 0

    asked = "SELECT id, status, valueQuantity.value AS v, _patient FROM Observation ORDER BY id"
    status, lines = ran(capsys, "lake", "sql", asked)
    assert lines[0] == {"id": "a", "status": "amended", "v": "1.5", "_patient": "p1"} and lines[-1]["t"] == 5
    _, lines = ran(capsys, "lake", "sql", asked, "--at", "4")
    assert lines[0]["status"] == "final" and lines[-1] == {"rows": 2, "t": 4, "behind": 0.0}
    for wrong in ("DELETE FROM Observation", "SELECT * FROM __Observation", "SELECT nothing FROM Observation"):
        assert cli.run(["lake", "sql", wrong]) == refusal.REFUSED
    for at in ("99", "x"):
        assert cli.run(["lake", "sql", "SELECT 1 FROM Patient", "--at", at]) == refusal.REFUSED

    status, lines = ran(capsys, "lake", "export", str(tmp_path / "out"), "--at", "4")
    assert lines[-1] == {"Observation": 2, "Patient": 2, "t": 4}
    written = pq.read_table(tmp_path / "out" / "Observation.parquet").to_pylist()
    assert (written[0]["status"], written[0]["subject"]) == ("final", {"reference": "Patient/p1"})
    assert json.loads((tmp_path / "out" / "lake.json").read_bytes())["rows"] == {"Observation": 2, "Patient": 2}
    assert cli.run(["lake", "export", str(tmp_path / "out")]) == refusal.REFUSED

    again = House(place())
    rows = [row for _, row in again.seat(MAIN).home.trail.page(user="system", count=100)]
    again.close()
    told = {row.target: row.patients for row in rows if row.action == "query"}
    assert told[f"view/lake: {asked}"] == told[f"view/lake@4: {asked}"] == ("p1", "p2")
    assert told["view/lake_export@4: Observation"] == ("p1", "p2")


def test_the_audit_names_patients_by_any_column_that_does(house: House) -> None:
    write(house, {"resourceType": "AllergyIntolerance", "id": "x", "patient": {"reference": "Patient/p2"}})
    lake, trail = house.hall(asker(), "lake").lake, house.seat(MAIN).home.trail
    for columns, table, named in (
        ("*", "AllergyIntolerance", ("p2",)),
        ("patient", "AllergyIntolerance", ("p2",)),
        ("subject", "Observation", ("p1", "p2")),
        ("_source", "Patient", ("p1", "p2")),
        ("_patients, status", "Observation", ("p1", "p2")),
        ("status", "Observation", ()),
    ):
        lake.query(View("v", f'SELECT {columns} FROM "{table}"', (table,), secondary=True), {})
        assert trail.page(user="kim", count=1)[0][1].patients == named, columns


def test_only_secondary_use_may_ask_and_a_refusal_of_research_holds_for_every_past(house: House) -> None:
    for caller in (asker("physician", "TREAT"), asker("data-manager", "TREAT"), asker("patient", "PATRQT")):
        with pytest.raises(Invalid) as refused:
            house.hall(caller, "lake").lake.query(IDS, {})
        assert refused.value.status == 403
    lake = house.hall(asker(), "lake").lake
    assert [row["id"] for row in lake.query(IDS, {}).table.to_pylist()] == ["a", "b"]
    denied = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HRESCH"}
    consent = {"resourceType": "Consent", "id": "c", "status": "active", "scope": {"text": "x"}}
    consent |= {"category": [{"text": "x"}], "policyRule": {"text": "x"}, "patient": {"reference": "Patient/p1"}}
    write(house, {**consent, "provision": {"type": "deny", "purpose": [denied]}})
    for one in (lake, lake.at(4), house.hall(system(MAIN), "lake").lake.at(3)):
        assert "a" not in [row["id"] for row in one.query(IDS, {}).table.to_pylist()]


def test_an_answer_tells_for_how_long_it_has_lacked_something(house: House) -> None:
    lake = house.hall(asker(), "lake").lake
    assert (lake.query(IDS, {}).t, lake.query(IDS, {}).behind) == (4, 0.0)
    write(house, observation("c", "p1"), follow=False)
    late = lake.query(IDS, {})
    assert late.t == 4 and late.table.num_rows == 2 and 0 < late.behind < 60
    assert lake.later(View("n", 'SELECT count(*) AS n FROM "Observation"', ("Observation",)), {})().behind > 0
    assert lake.at(4).query(IDS, {}).behind == 0.0
    with pytest.raises(Invalid) as refused:
        lake.at(5).query(IDS, {})
    assert refused.value.status == 503
    house.catch_up(MAIN)
    assert (lake.query(IDS, {}).t, lake.query(IDS, {}).behind) == (5, 0.0)


def test_a_past_that_is_not_there_or_not_kept_is_refused(house: House) -> None:
    lake = house.hall(asker(), "lake").lake
    for t in (-1, 5):
        with pytest.raises(Invalid) as refused:
            lake.at(t)
        assert refused.value.status == 404
    omop = View("o", "SELECT count(*) AS n FROM omop_fact", ("omop_fact",), secondary=True)
    with pytest.raises(Invalid) as refused:
        lake.at(4).query(omop, {})
    assert refused.value.status == 400 and "omop_fact" in refused.value.issues[0].text
    with pytest.raises(LookupError):
        lake.layout("nothing")
    assert lake.layout("Observation").columns.field("valueQuantity").type.names == ["value", "unit"]


def test_what_is_erased_is_in_no_past(house: House) -> None:
    house.hall(system(MAIN)).record.write([Change("erase", "Observation", "a")])
    write(house, observation("c", "p2"))
    lake = house.hall(asker(), "lake").lake
    assert [[row["id"] for row in lake.at(t).query(IDS, {}).table.to_pylist()] for t in (3, 4)] == [[], ["b"]]
