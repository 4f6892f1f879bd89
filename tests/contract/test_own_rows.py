"""Rows of a tenant's own search parameters: at every moment of their making a search answers as the bodies would."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from cluster import another
from onmaru.app.house import MAIN, House, Place, system
from onmaru.app.verifying import examined
from onmaru.engines.index import work
from onmaru.engines.index.owned import Unowned
from onmaru.engines.sqlite.connection import connect
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.search.parsing import parse_here
from onmaru.kernel.record import Change

DEFINED = {
    "mother": ("string", "Patient.extension('http://x/mother').value"),
    "mark": ("token", "Patient.identifier.where(system = 'urn:mrn')"),
    "adult": ("token", "Patient.birthDate < @2000-01-01"),
    "born": ("date", "Patient.birthDate"),
    "names": ("number", "Patient.name.given.count()"),
    "doctor": ("reference", "Patient.generalPractitioner.where(resolve() is Practitioner)"),
    "site": ("uri", "Patient.contact.name.extension.url"),
    "grown": ("token", "Patient.birthDate < today()"),
}
ASKED = (
    "mother=lee", "mother:exact=Lee1", "mother:contains=ee2", "mother:missing=true", "mother:missing=false",
    "mark=urn:mrn|3", "mark=4", "mark:not=urn:mrn|3", "mark:text=x", "adult=true", "adult:not=true", "born=1999",
    "born=ge2001-02", "born:missing=true", "names=2", "names=gt1", "doctor=Practitioner/d1", "doctor=d2",
    "doctor:missing=true", "site=http://x/1", "site:below=http://x", "grown=true", "mother=lee&adult=true",
    "gender=male&mark:missing=false", "_sort=mother", "_sort=-mother", "_sort=born", "_sort=-born", "_sort=-names,mother",
    "_sort=doctor", "_sort=site,-mark", "gender=male&_sort=mother,-born",
)  # fmt: skip


class World:
    """A house with parameters of its own."""

    def __init__(self, folder: Path, store: str) -> None:
        self.where = replace(Place(folder / "home", folder / "keys", folder / "witness"), store=store)
        self.chance = random.Random(5)
        self.open()

    def open(self) -> None:
        self.house = House(self.where, rooms=())
        self.seat = self.house.seat(MAIN)
        self.record = self.house.hall(system(MAIN)).record

    def again(self) -> None:
        self.house.close()
        self.open()

    def write(self, *changes: Change) -> None:
        self.record.write(changes)
        self.seat.home.wait(self.seat.home.tip())

    def define(self, code: str, status: str = "active", expression: str = "") -> None:
        kind, first = DEFINED[code]
        body = {
            "resourceType": "SearchParameter",
            "id": code,
            "url": f"http://x/{code}",
            "status": status,
            "code": code,
        }
        body |= {"name": code, "description": "x", "type": kind, "expression": expression or first}
        raw = json.dumps({**body, "base": ["Patient"]}).encode()
        self.write(Change("update", "SearchParameter", code, raw, make=True))
        self.seat.tenant.rules.forget("SearchParameter")

    def patients(self, count: int) -> None:
        self.write(*(self._patient(id) for id in self.chance.sample(range(60), count)))

    def _patient(self, id: int) -> Change:
        chance, body = self.chance, dict[str, Any](resourceType="Patient", id=f"p{id}")
        if chance.random() < 0.1:
            return Change("delete", "Patient", f"p{id}")
        if chance.random() < 0.7:
            body["extension"] = [{"url": "http://x/mother", "valueString": f"Lee{chance.randrange(4)}"}]
        if chance.random() < 0.7:
            body["identifier"] = [{"system": chance.choice(["urn:mrn", "urn:x"]), "value": str(chance.randrange(6))}]
        if chance.random() < 0.8:
            body["birthDate"] = chance.choice(["1999", "1999-05", "2001-02-03", "2010-01-01"])
        body["gender"] = chance.choice(["male", "female"])
        body["name"] = [{"given": ["x"] * chance.randrange(1, 4)}]
        body["contact"] = [
            {"name": {"text": "x", "extension": [{"url": f"http://x/{chance.randrange(3)}", "valueCode": "c"}]}}
        ]
        kind = chance.choice(["Practitioner", "Organization"])
        body["generalPractitioner"] = [{"reference": f"{kind}/d{chance.randrange(3)}"}]
        return Change("update", "Patient", f"p{id}", json.dumps(body).encode(), make=True)

    def found(self, text: str, t: int | None = None) -> list[str]:
        own = self.seat.tenant.rules.parameters
        pairs = [tuple(part.split("=", 1)) for part in text.split("&")]
        query = replace(parse_here(("Patient",), pairs, own), count=1000)  # type: ignore[arg-type]  # they are pairs
        record = self.record if t is None else self.record.at(t)
        return [one.name for one in record.search(query).matches]

    def alike(self, t: int | None = None) -> int:
        """Every search answers with its rows as it does without; how many matches there were."""
        index, known = (
            self.seat.home.index,
            [code for code in DEFINED if code in self.seat.tenant.rules.parameters["Patient"]],
        )
        asked = [one for one in ASKED if _codes(one) <= {*known, "gender"}]
        with_rows = [self.found(one, t) for one in asked]
        index.own = Unowned()
        assert dict(zip(asked, with_rows, strict=True)) == {one: self.found(one, t) for one in asked}
        index.own = self.seat.own
        return sum(map(len, with_rows))

    def reached(self) -> dict[str, int | None]:
        return {one.code: one.reached for one in self.seat.tenant.rules.indexed()}

    def follow(self) -> None:
        while self.seat.own.step():
            pass


def _codes(asked: str) -> set[str]:
    """The parameters that a search asks and sorts by."""
    parts = [part.split("=", 1) for part in asked.split("&")]
    named = [value.split(",") if name == "_sort" else [name.split(":")[0]] for name, value in parts]
    return {code.removeprefix("-") for codes in named for code in codes}


@pytest.fixture(params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    store = another(request.getfixturevalue("database")) if request.param == "postgres" else ""
    made = World(tmp_path, store)
    yield made
    made.house.close()


def test_rows_that_are_being_made_answer_as_bodies_do(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onmaru.engines.sqlite.own.SECONDS", 0.0)  # one version a step
    monkeypatch.setattr("onmaru.engines.index.find.SMALL", 3)  # nearly all is sorted by rows
    world.patients(40)
    world.patients(40)
    middle = world.seat.home.head()
    for code in DEFINED:
        world.define(code)
    assert world.alike() and set(world.reached().values()) == {None}
    for _ in range(40):
        world.seat.own.step()
    assert world.alike() and any(0 < (at or 0) < middle for at in world.reached().values())
    world.again()
    assert any(world.reached().values()), "what was made is gone after a start"
    world.patients(20)
    assert world.alike()
    world.follow()
    head = world.seat.home.head()
    assert world.reached() == {code: None if code == "grown" else head for code in DEFINED}
    assert world.alike() and world.alike(middle)


def test_rows_go_with_their_definition_and_with_what_is_erased(world: World) -> None:
    world.patients(40)
    world.define("mother")
    world.define("adult")
    world.follow()
    folder = world.house.folder(MAIN) / "own"
    assert len(list(folder.iterdir())) == 2
    world.define("adult", "retired")
    world.define("mother", expression="Patient.extension('http://x/mother').value | Patient.name.given")
    assert world.alike() and world.found("mother=x")
    world.follow()
    assert len(list(folder.iterdir())) == 1 and world.alike()
    gone = world.found("mother:contains=ee")[0]
    before = {int(t) for file in world.seat.own._files.values() for t in file.positions()}
    positions = set(world.seat.home.index.positions("Patient", gone.partition("/")[2], world.seat.home.head()))
    assert positions & before
    world.write(Change("erase", *gone.split("/")))  # type: ignore[arg-type]  # type and id
    world.seat.home.index.apply()
    (file,) = world.seat.own._files.values()
    assert not positions & set(file.positions()) and gone not in world.found("mother:contains=ee")
    assert world.alike()


def test_rows_of_another_history_are_made_anew(world: World) -> None:
    world.patients(20)
    world.define("mother")
    world.follow()
    (file,) = world.seat.own._files.values()
    file.drop([], world.seat.home.head() + 1)  # of an erasure that a crash undid
    world.again()
    assert world.reached() == {"mother": 0}
    world.follow()
    assert world.alike()


def test_more_than_bodies_could_be_asked_are_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.patients(40)
    world.define("mother")
    monkeypatch.setattr(work, "MOST_OPENED", 5)
    with pytest.raises(Invalid, match="too many"):
        world.found("mother=lee")
    monkeypatch.setattr("onmaru.engines.index.find.SMALL", 0)
    world.follow()
    assert world.found("mother=lee") and world.found("_sort=-mother")


def test_verify_finds_a_row_of_an_own_parameter_that_is_not_what_the_log_gives(world: World) -> None:
    world.patients(40)
    for code in ("mother", "adult", "grown"):
        world.define(code)
    world.follow()
    gone = world.found("mother:contains=ee")[0]
    world.write(Change("erase", *gone.split("/")))  # type: ignore[arg-type]  # type and id
    world.seat.home.index.apply()
    world.seat.home.index.commit()
    world.patients(10)
    world.house.witness()
    folder = world.seat.own._files[world.seat.tenant.rules.parameters["Patient"]["mother"]].folder
    world.house.close()
    report = examined(world.house, MAIN, deep=True)
    assert report.ok, report.wrong
    keys, _ = world.house.keys(MAIN)
    db = connect(folder / "idx.db", keys.pages)
    db.execute("UPDATE str SET norm = 'other' WHERE t = (SELECT min(t) FROM str)")
    db.close()
    (wrong,) = examined(world.house, MAIN, deep=True).wrong
    assert (wrong.file, wrong.what) == ("own/mother", "a row of str differs from a rebuild")
    world.open()
