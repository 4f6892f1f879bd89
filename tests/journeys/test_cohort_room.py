"""The cohort room in a house: counts after each rule, who may see them, what is audited, and files that make it again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests import cohort_house
from tests.cohort_house import CIRCE, OURS, asker

from onmaru.app import cli
from onmaru.app.house import House, place
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.caller import Caller
from onmaru.kernel.room import Request, Response
from onmaru.rooms.cohort import routes
from onmaru.rooms.cohort.kept import RUNS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cohort")


@pytest.fixture(scope="module")
def house(folder: Path) -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("home", "keys", "witness"):
            patch.setenv(f"ONMARU_{name.upper()}", str(folder / name))
        made = House(place())
        cohort_house.fill(made)
        yield made
        made.close()


def post(house: House, handler: Any, said: Any, caller: Caller, **query: str) -> Any:
    """The answer of a route as the server would draw it."""
    hall = house.hall(caller, "cohort")
    response: Response = handler(Request("POST", "/", {}, tuple(query.items()), {}, msgspec.json.encode(said)), hall)
    if isinstance(response.body, bytes):
        return json.loads(response.body)

    async def drawn() -> bytes:
        return b"".join([part async for part in response.body])  # type: ignore[union-attr]

    return json.loads(asyncio.run(drawn()))


def test_who_is_left_is_counted_after_each_rule(house: House) -> None:
    told = post(house, routes.run, OURS, asker())
    steps = [(step["name"], step["persons"], step["alone"]) for step in told["steps"]]
    assert steps == [("", 20, None), ("on the drug", 12, 12), ("under 70", 11, 19), ("", 11, None)]
    assert (told["persons"], told["entries"], told["hidden"]) == (11, 11, False)
    assert "CREATE TABLE cohort" in told["sql"] and len(told["digest"]) == 64


def test_our_definition_and_its_circe_expression_give_the_same_persons(house: House) -> None:
    ours = post(house, routes.run, OURS, asker(), who="1")
    circe = post(house, routes.circe, OURS, asker())["circe"]
    again = post(house, routes.run, {"name": "from ATLAS", "expression": circe}, asker(), who="1")
    assert ours["who"] == again["who"] and ours["digest"] == again["digest"]
    assert sorted(one["_patient"] for one in ours["who"]) == sorted(f"p{n}" for n in range(1, 12))


def test_a_circe_expression_is_run_as_it_is(house: House) -> None:
    assert post(house, routes.run, CIRCE, asker())["persons"] == 20


def test_a_run_is_audited_with_its_persons_and_with_whom_it_named(house: House) -> None:
    post(house, routes.run, OURS, asker())
    (_, row), *_ = house.seat("main").home.trail.page()
    assert (row.target, row.patients, row.allowed) == ("script/cohort?persons=11", (), True)
    post(house, routes.run, OURS, asker(), who="1")
    (_, row), *_ = house.seat("main").home.trail.page()
    assert (row.target, len(row.patients)) == ("script/cohort?persons=11", 11)


def test_a_researcher_is_told_no_small_count_and_no_person(house: House) -> None:
    told = post(house, routes.run, OURS, asker("researcher"))
    assert [step["persons"] for step in told["steps"]] == [20, None, None, None]
    assert [step["alone"] for step in told["steps"]] == [None, None, None, None]
    assert told["hidden"] and told["entries"] is None
    with pytest.raises(Invalid) as refused:
        post(house, routes.run, OURS, asker("researcher"), who="1")
    assert refused.value.status == 403


@pytest.mark.parametrize("caller", [asker("physician", "TREAT"), asker("nurse"), asker("data-manager", "TREAT")])
def test_who_may_not_use_research_tables_is_refused_and_audited(house: House, caller: Caller) -> None:
    with pytest.raises(Invalid) as refused:
        post(house, routes.run, OURS, caller)
    assert refused.value.status == 403
    (_, row), *_ = house.seat("main").home.trail.page()
    assert (row.allowed, row.target) == (False, "view/cohort")


def test_what_takes_too_long_is_audited_as_refused(house: House) -> None:
    hall = house.hall(asker(), "cohort")
    hall = msgspec.structs.replace(hall, settings={**hall.settings, "seconds": 0})
    body = msgspec.json.encode(OURS)
    response = routes.run(Request("POST", "/", {}, (), {}, body), hall)
    with pytest.raises(Invalid, match="took longer"):
        asyncio.run(anext(response.body))  # type: ignore[arg-type]
    (_, row), *_ = house.seat("main").home.trail.page()
    assert (row.allowed, row.reason) == (False, "too-costly")


def test_a_run_is_ended_by_its_name_and_by_nobody_else(house: House) -> None:
    class Endless:
        ended = 0

        def __call__(self) -> Any: ...

        def cancel(self) -> None:
            self.ended += 1

    run, mine = Endless(), asker()
    with RUNS.noted(mine, "mine", run):
        other = msgspec.structs.replace(mine, user="lee")
        for caller, name in ((other, "mine"), (mine, "another")):
            with pytest.raises(Invalid) as refused:
                RUNS.cancel(caller, name)
            assert refused.value.status == 404
        routes.cancel(Request("DELETE", "/", {"run": "mine"}, (), {}, b""), house.hall(mine, "cohort"))
        assert run.ended == 1
        with pytest.raises(Invalid), RUNS.noted(mine, "mine", run):
            raise AssertionError("two runs of one name")
    with pytest.raises(Invalid):
        RUNS.cancel(mine, "mine")


@pytest.mark.parametrize(
    ("raw", "status", "path"),
    [
        (b"{", 400, ""),
        (b"[]", 422, ""),
        (b"{}", 422, "PrimaryCriteria"),
        (json.dumps({**OURS, "entry": {"events": [{"domain": "weather"}]}}).encode(), 422, "entry.events[0].domain"),
        (json.dumps({**OURS, "colour": 1}).encode(), 422, ""),
    ],
)
def test_what_is_no_definition_is_refused_with_its_place(house: House, raw: bytes, status: int, path: str) -> None:
    with pytest.raises(Invalid) as refused:
        routes.run(Request("POST", "/", {}, (), {}, raw), house.hall(asker(), "cohort"))
    assert refused.value.status == status and path in [issue.expression for issue in refused.value.issues]
    assert "weather" not in str(refused.value)


def test_tables_that_are_not_there_are_named(house: House) -> None:
    asked = {**OURS, "entry": {"events": [{"domain": "specimen", "concepts": "lung"}]}}
    with pytest.raises(Invalid, match="specimen"):
        post(house, routes.run, asked, asker())


def test_the_commands_run_count_and_export(
    house: House, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("home", "keys", "witness"):
        monkeypatch.setenv(f"ONMARU_{name.upper()}", str(tmp_path / name))
    own = House(place())
    cohort_house.fill(own)
    own.close()
    file = tmp_path / "lung.json"
    file.write_text(json.dumps(OURS))

    def run(*args: str) -> list[Any]:
        assert cli.run(["cohort", *args, "--json"]) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    (line,) = run("run", str(file))
    assert (line["persons"], line["entries"]) == (11, 11)
    lines = run("attrition", str(file))
    assert [(one["what"], one["persons"]) for one in lines] == [
        ("entry", 20),
        ("rule", 12),
        ("rule", 11),
        ("cohort", 11),
    ]
    (line,) = run("export", str(file), str(tmp_path / "out"))
    out = tmp_path / "out"
    names = {path.name for path in out.iterdir()}
    assert names == {"definition.json", "circe.json", "cohort.sql", "result.json", "persons.csv"}
    (again,) = run("run", str(out / "circe.json"))
    assert again["digest"] == line["digest"] and again["persons"] == 11
    assert len((out / "persons.csv").read_text().splitlines()) == 12
    assert cli.run(["cohort", "export", str(file), str(out)]) != 0
    assert cli.run(["cohort", "run", str(tmp_path / "none.json")]) != 0
