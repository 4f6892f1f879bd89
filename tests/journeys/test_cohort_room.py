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
from tests.cohort_house import ALL_LUNG, CIRCE, ON_DRUG, OURS, STAGE_4, asker

from onmaru.app.house import House, Place, place
from onmaru.app.rooms import open_room
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.caller import Caller
from onmaru.kernel.room import Request, Response
from onmaru.rooms.cohort import routes
from onmaru.rooms.cohort.runs import RUNS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cohort")


@pytest.fixture(scope="module")
def house(folder: Path) -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("home", "keys", "witness"):
            patch.setenv(f"ONMARU_{name.upper()}", str(folder / name))
        # The room alone: its CDM is made, and published as the tables of a site
        made = House(place(), (open_room("cohort"),))
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


def get(house: House, handler: Any, caller: Caller, **query: str) -> Any:
    body = handler(Request("GET", "/", {}, tuple(query.items()), {}, b""), house.hall(caller, "cohort")).body
    return json.loads(body() if callable(body) else body)


def test_a_cohort_is_kept_as_library_and_group_and_listed(house: House) -> None:
    made = post(house, routes.keep, OURS, asker())
    assert (made["persons"], made["name"]) == (11, OURS["name"])
    again = post(house, routes.keep, OURS, asker())
    assert (again["id"], again["group"]) == (made["id"], made["group"])
    house.seat("main").home.wait(house.seat("main").home.tip())
    record = house.hall(asker()).record
    group = json.loads(record.read("Group", made["group"]).body or b"{}")
    assert (group["quantity"], len(group["member"])) == (11, 11)
    assert {one["entity"]["reference"] for one in group["member"]} == {f"Patient/p{n}" for n in range(1, 12)}
    assert group["characteristic"][0]["valueReference"] == {"reference": f"Library/{made['id']}"}
    library = json.loads(record.read("Library", made["id"]).body or b"{}")
    assert [one["title"] for one in library["content"]] == ["definition", "circe", "sql"]
    (listed,) = get(house, routes.listed, asker())["cohorts"]
    assert (listed["definition"], listed["persons"]) == (OURS, 11)
    with pytest.raises(Invalid) as refused:
        post(house, routes.keep, OURS, asker("researcher"))
    assert refused.value.status == 403


def test_concepts_are_found_by_name_code_and_number(house: House) -> None:
    def names(said: str) -> list[str]:
        return [one["concept_name"] for one in get(house, routes.searched, asker(), q=said)["concepts"]]

    assert names("CONCEPT 92") == ["concept 9201", "concept 9202"]
    assert names("c8507") == ["concept 8507"] and names("100")[0] == "concept 100" and names("x") == []


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


def studied(house: House, kind: str, caller: Caller | None = None, **asked: Any) -> Any:
    told = {"format": "onmaru study 1", "kind": kind, "target": ALL_LUNG, "days": 180, **asked}
    return post(house, routes.study, told, caller or asker())


def test_how_many_reach_stage_four_within_half_a_year_and_who(house: House) -> None:
    told = studied(house, "progression", outcome=STAGE_4, competing="death", who=True)
    found = told["found"]
    assert (found["persons"], found["reached"], found["earlier"], found["left_early"]) == (20, 9, 0, 0)
    # Nobody leaves early: Aalen-Johansen gives the plain share
    assert found["share"][0] == pytest.approx(0.45) and found["by_time"][0] == pytest.approx(0.45)
    assert [(one["_patient"], one["days"]) for one in found["who"]] == [(f"p{n}", 20 * n) for n in range(1, 10)]
    (_, row), *_ = house.seat("main").home.trail.page()
    assert (row.target, len(row.patients)) == ("script/cohort-progression?persons=9", 9)
    assert [(one["role"], one["persons"]) for one in told["cohorts"]] == [("target", 20), ("outcome", 10)]
    again = post(house, routes.study, told["study"], asker())
    assert (again["found"], again["digest"]) == (found, told["digest"])


def test_incidence_counts_years_until_the_outcome(house: House) -> None:
    whole, women, men = studied(house, "incidence", outcome=STAGE_4, by="sex")["found"]["lines"]
    days = sum(20 * n for n in range(1, 10)) + 11 * 180
    assert whole["rate"][0] == pytest.approx(1000 * 9 / (days / 365.25))
    assert (women["name"], women["events"], men["events"], women["persons"]) == ("female", 4, 5, 10)
    assert whole["proportion"][0] == pytest.approx(9 / 20)


def test_survival_by_sex_has_curves_at_risk_a_test_and_a_model(house: House) -> None:
    found = studied(house, "survival", outcome=STAGE_4, competing="death", by="sex")["found"]
    women, men = found["groups"]
    assert (women["risk"][0], women["events"], men["events"]) == (10, 4, 5)
    assert found["ticks"] == [0, 30, 60, 90, 120, 150, 180] and women["risk"][-1] == 5
    # men: events after 20, 60, 100, 140, 180 days, one dies after 61
    survival = [point[1] for point in men["points"]]
    assert survival == pytest.approx([0.9, 0.8, 0.8 * 6 / 7, 0.8 * 5 / 7, 0.8 * 4 / 7])
    assert found["test"]["degrees"] == 1 and 0 < found["test"]["p"] < 1
    # One person alone is older and stays well: no model can tell how much age does
    assert found["cox"]["terms"] == [] and "without fail: age10" in found["cox"]["refused"]
    assert [group["points"][-1][1] for group in found["shares"]] == pytest.approx([0.4, 0.5])


def test_two_cohorts_are_set_side_by_side(house: House) -> None:
    found = studied(house, "characterisation", target=STAGE_4, comparator=ON_DRUG)["found"]
    assert found["both"] == 10 and found["persons"] == [0, 7]
    found = studied(house, "characterisation", target=OURS, comparator=ON_DRUG)["found"]
    assert found["persons"] == [0, 6]
    without = {**ALL_LUNG, "rules": [{"name": "no drug", "events": [
        {"event": {"domain": "drug", "concepts": "drug"}, "least": 0, "most": 0}]}]}  # fmt: skip
    without["concepts"] = {**ALL_LUNG["concepts"], "drug": [{"concept": 100}]}
    found = studied(house, "characterisation", target=without, comparator=ON_DRUG)["found"]
    assert found["persons"] == [8, 17]
    lung = next(line for line in found["lines"] if line["concept"] == 11)
    assert lung["counts"] == [4, 6] and lung["name"] == "concept 11"
    p, q = 4 / 8, 6 / 17
    assert lung["smd"] == pytest.approx((p - q) / ((p * (1 - p) + q * (1 - q)) / 2) ** 0.5)
    assert next(one for one in found["people"] if one["what"] == "female")["values"][0] == [4, 0.5]


def test_pathways_tell_the_order_of_events(house: House) -> None:
    found = studied(house, "pathways", events=[ON_DRUG, STAGE_4], days=300, combine=15)["found"]
    ways = {tuple(map(tuple, path["steps"])): path["persons"] for path in found["paths"]}
    drug, stage = "The drug", "Stage IV"
    assert ways == {((drug,), (stage,)): 9, ((drug,),): 2, ((drug, stage),): 1}
    assert (found["none"], found["rare"], found["persons"]) == (8, 0, 20)


def test_scores_pair_and_weigh_what_was_known_before(house: House) -> None:
    without = {**ON_DRUG, "name": "others", "entry": {"events": [{"domain": "visit", "first": True}]}, "concepts": {}}
    rule = {"event": {"domain": "condition", "concepts": "it"}, "least": 0, "most": 0, "end": 400, "begin": -400}
    without |= {"concepts": {"it": [{"concept": 1}]}, "rules": [{"name": "no lung", "events": [rule]}]}
    found = studied(house, "propensity", target=ALL_LUNG, comparator=without)["found"]
    assert found["persons"] == [20, 10] and found["pairs"] == 5
    drug = next(one for one in found["balance"] if one["concept"] == 100)["smd"]
    # Half of the others had the drug, nobody of the target: they are not paired
    assert drug[0] < -1 and drug[1] == 0 and {one["name"] for one in found["balance"]} >= {"age", "female"}
    assert sum(found["overlap"][0]) == 20 and sum(found["overlap"][1]) == 10


def test_a_researcher_learns_nothing_of_few_from_any_study(house: House) -> None:
    researcher = asker("researcher")
    asked = {"outcome": STAGE_4, "comparator": ON_DRUG, "events": [ON_DRUG, STAGE_4], "competing": "death"}

    def found(kind: str, *names: str, **more: Any) -> Any:
        return studied(house, kind, researcher, **{name: asked[name] for name in names}, **more)["found"]

    assert found("progression", "outcome")["reached"] is None
    assert [line["events"] for line in found("incidence", "outcome", by="sex")["lines"]] == [None, None, None]
    curve = found("survival", "outcome")["groups"][0]
    assert (curve["persons"], curve["events"]) == (20, None) and all(n is None or n >= 10 for n in curve["risk"])
    assert found("characterisation", "comparator")["lines"] == []
    paths = found("pathways", "events", combine=0, days=300)
    assert [path["persons"] for path in paths["paths"]] == [10] and (paths["none"], paths["persons"]) == (None, None)
    with pytest.raises(Invalid, match="too few"):
        found("propensity", "comparator")
    with pytest.raises(Invalid) as refused:
        found("progression", "outcome", who=True)
    assert refused.value.status == 403


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({"kind": "survival"}, "outcome"),
        ({"kind": "dance", "outcome": STAGE_4}, "kind"),
        ({"kind": "progression", "outcome": STAGE_4, "days": 0}, "days"),
        ({"kind": "pathways", "events": [ON_DRUG] * 13}, "events"),
        ({"kind": "incidence", "outcome": {}}, "outcome"),
        ({"kind": "incidence", "outcome": {"x": 1}}, "outcome.PrimaryCriteria"),
    ],
)
def test_what_is_no_study_is_refused_with_its_place(house: House, asked: dict[str, Any], path: str) -> None:
    with pytest.raises(Invalid) as refused:
        studied(house, **{"days": 180, **asked})
    assert path in [issue.expression for issue in refused.value.issues]


def test_concepts_without_their_vocabulary_are_refused(tmp_path: Path) -> None:
    bare = House(Place(*(tmp_path / name for name in ("home", "keys", "witness"))), (open_room("cohort"),))
    cohort_house.fill(bare, without="concept_ancestor")
    with pytest.raises(Invalid, match="concept_ancestor") as refused:
        post(bare, routes.run, OURS, asker())
    assert refused.value.status == 409
    bare.close()
