"""What is a patient's only by what it refers to hides with that patient: on every engine, whatever came first, after
whatever was moved, deleted or erased, and as an opinion of its own, walked over plain JSON, says."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.contract.conftest import memory, sqlite
from tests.generative.conftest import Opened
from tests.generative.test_engines_agree import written

from onmaru.engines.sqlite.deep import named
from onmaru.engines.sqlite.schema import INSERTS
from onmaru.fhir import search
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.caller import Caller, Scope
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.provision import Provision, Rule
from onmaru.kernel.record import Change

BARRED = Caller("main", "barred", frozenset({"physician"}), "TREAT", (Scope("user", "*", frozenset("cruds")),))
HIDDEN = "p1"
IDS = {
    "Encounter": ("e0", "e1"),
    "Observation": ("o0", "o1"),
    "Provenance": ("v0", "v1"),
    "List": ("l0", "l1"),
    "Task": ("t0", "t1"),
    "Group": ("g0",),
}
NAMES = [f"{type}/{id}" for type, ids in IDS.items() for id in ids]
PATIENTS = ["Patient/p0", "Patient/p1"]
Graph = Mapping[str, bytes]


def _reference(draw: st.DrawFn, pool: Sequence[str]) -> dict[str, str]:
    name = draw(st.sampled_from(pool))
    return {"reference": draw(st.sampled_from([name, name, name + "/_history/1", "http://here.example/fhir/" + name]))}


def _some(draw: st.DrawFn, least: int = 0) -> list[dict[str, str]]:
    return [_reference(draw, [*NAMES, *PATIENTS, "Organization/h"]) for _ in range(draw(st.integers(least, 3)))]


@st.composite
def bodies(draw: st.DrawFn, name: str) -> bytes:
    type, _, id = name.partition("/")
    body: dict[str, Any] = {"resourceType": type, "id": id}
    if type == "Encounter":
        body |= {"status": "finished", "class": {"code": "IMP"}}
        if draw(st.booleans()):
            body["partOf"] = _reference(draw, [one for one in NAMES if one.startswith("Encounter")])
    elif type == "Observation":
        body |= {"status": "final", "code": {"text": "code"}}
        if draw(st.booleans()):
            body["encounter"] = _reference(draw, [one for one in NAMES if one.startswith("Encounter")])
        if draw(st.integers(0, 3)) == 0:
            body["performer"] = [{"reference": draw(st.sampled_from(PATIENTS))}]
    elif type == "Provenance":
        body |= {"target": _some(draw, 1), "recorded": "2026-01-01T00:00:00Z", "agent": [{"who": {"display": "x"}}]}
    elif type == "List":
        body |= {"status": "current", "mode": "working"}
        if entries := _some(draw):
            body["entry"] = [{"item": one} for one in entries]
    elif type == "Task":
        body |= {"status": "requested", "intent": "order"}
        for member in draw(st.sets(st.sampled_from(["focus", "for"]))):
            body[member] = _reference(draw, [*NAMES, *PATIENTS])
    else:
        body |= {
            "type": "person",
            "actual": True,
            "member": [{"entity": {"reference": draw(st.sampled_from(PATIENTS))}}],
        }
    if type in ("Encounter", "Observation", "List") and draw(st.booleans()):
        body["subject"] = _reference(draw, PATIENTS)
    text = json.dumps(body, separators=(",", ":"))
    return (text.replace("/", "\\/") if draw(st.booleans()) else text).encode()


@st.composite
def changes(draw: st.DrawFn) -> Change:
    name = draw(st.sampled_from(NAMES))
    type, _, id = name.partition("/")
    op = draw(st.sampled_from(["update"] * 8 + ["delete", "erase"]))
    return Change(op, type, id, draw(bodies(name)) if op == "update" else b"")  # type: ignore[arg-type]


histories = st.lists(changes(), min_size=1, max_size=25)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=len(NAMES), unique=True))
    return {name: draw(bodies(name)) for name in names}


def barred(tenant: Tenant) -> Chart:
    tenant.gate.consents.take("c", Rule(HIDDEN, Provision(True, frozenset({"barred"}), frozenset(), 0, 2**62)))
    return Chart(tenant, BARRED)


def seen(chart: Chart) -> dict[str, Any]:
    """All that a caller is told of every type, without positions and times."""
    told: dict[str, Any] = {}
    for type, ids in IDS.items():
        found = chart.search(search.parse((type,), [("_count", "100")]))
        told[type] = (found.total, [v.name for v in found.matches])
        told["history " + type] = [(v.name, v.version, v.op) for v in chart.history(type, count=100).matches]
        for id in ids:
            told[f"{type}/{id}"] = read(chart, type, id)
    pairs = [("_include", "Observation:encounter"), ("_revinclude", "Provenance:target"), ("_revinclude", "List:item")]
    told["included"] = sorted(v.name for v in chart.search(search.parse(("Observation",), pairs)).included)
    told["having"] = chart.search(
        search.parse(("Observation",), [("_has:Provenance:target:agent:missing", "true")])
    ).total
    told["chained"] = chart.search(search.parse(("Observation",), [("encounter.status", "finished")])).total
    return told


def read(chart: Chart, type: str, id: str) -> Any:
    try:
        return chart.read(type, id).version
    except Invalid as refusal:
        return refusal.status


@given(histories, st.integers(1, 7), st.floats(0, 1))
def test_every_engine_hides_the_same_whatever_happened(
    opened: Opened, history: list[Change], group: int, when: float
) -> None:
    oracle = memory()
    with opened() as engine:
        assert written(oracle, history, 1) == written(engine, history, group)
        for version in oracle.log.read(0, 100):
            ours, theirs = engine.index.compartments(version), oracle.index.compartments(version)
            assert (sorted(ours.own), list(ours.inherited)) == (sorted(theirs.own), list(theirs.inherited))
        for t in (round(when * oracle.log.head()), oracle.log.head()):
            assert seen(barred(engine).at(t)) == seen(barred(oracle).at(t))


@given(histories, st.integers(1, 7))
def test_an_index_that_followed_says_whose_things_are_as_a_rebuilt_one_does(history: list[Change], group: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine, home = sqlite(Path(folder) / "main")
        written(engine, history, group)
        tables = {name: list(named(home.index.file.db, name)) for name in INSERTS}
        home.close()
        for path in (Path(folder) / "main").glob("idx.db*"):
            path.unlink()
        _, again = sqlite(Path(folder) / "main")
        rebuilt = {name: list(named(again.index.file.db, name)) for name in INSERTS}
        again.close()
        assert tables == rebuilt


# -- a second opinion -----------------------------------------------------------------------------------------------------


def of_patient(graph: Graph, name: str) -> set[str]:
    """The patients whose compartments a resource is in, by walking its JSON."""
    found: set[str] = set()
    waiting, done = [name], set()
    while waiting:
        one = waiting.pop()
        if one in done or one not in graph or (one != name and one.startswith("Group")):
            continue
        done.add(one)
        body = json.loads(graph[one])
        about = {_plain(reference) for reference in _about(body) if reference["reference"].startswith("Patient/")}
        leads = set() if about else {_plain(reference) for reference in _references(body)}
        found |= about | {_plain(reference) for reference in body.get("performer", ())} | leads & set(PATIENTS)
        waiting += leads
    return {name.partition("/")[2] for name in found}


def _about(body: Mapping[str, Any]) -> Sequence[Mapping[str, str]]:
    """What says itself whose a resource is. An absolute reference says it not, and nothing of a Task does (R4)."""
    if body["resourceType"] == "Group":
        return [member["entity"] for member in body["member"]]
    return body["target"] if body["resourceType"] == "Provenance" else [body[m] for m in ("subject",) if m in body]


def _plain(reference: Mapping[str, str]) -> str:
    return reference["reference"].removeprefix("http://here.example/fhir/").partition("/_history/")[0]


def _references(value: Any) -> Iterator[Mapping[str, str]]:
    if isinstance(value, dict):
        if "reference" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _references(one)


def taken(tenant: Tenant, graph: Graph, order: Sequence[str]) -> Tenant:
    written(tenant, [Change("update", *name.split("/"), graph[name]) for name in order if name in graph], 3)  # type: ignore[arg-type]
    return tenant


@given(graphs(), st.permutations(NAMES), st.permutations(NAMES))
def test_whatever_came_first_the_same_is_hidden(graph: Graph, one: list[str], other: list[str]) -> None:
    expected = {name for name in graph if HIDDEN not in of_patient(graph, name)}
    with tempfile.TemporaryDirectory() as folder:
        engine, home = sqlite(Path(folder) / "main")
        try:
            for tenant, order in ((memory(), one), (engine, other)):
                told = seen(barred(taken(tenant, graph, order)))
                assert {name for type in IDS for name in told[type][1]} == expected
        finally:
            home.close()


@given(graphs(), st.permutations(NAMES), st.lists(bodies("Task/new"), min_size=1, max_size=4))
def test_what_is_hidden_answers_reads_and_probes_as_if_it_were_not_there(
    graph: Graph, order: list[str], probes: list[bytes]
) -> None:
    shown = {name: body for name, body in graph.items() if HIDDEN not in of_patient(graph, name)}
    told = []
    for kept in (graph, shown):
        chart = barred(taken(memory(), kept, order))
        answers = [seen(chart)]
        for number, probe in enumerate(probes):
            body = json.dumps({**json.loads(probe), "id": f"new-{number}"}).encode()
            try:
                written = chart.write([Change("create", "Task", body=body)])[0]
                answers.append({"status": written.status, "seen": read(chart, "Task", written.version.id)})
            except Invalid as refusal:
                answers.append({"status": refusal.status, "issues": refusal.issues})
        told.append(answers)
    assert told[0] == told[1]
    assert all(answer.get("seen", 1) == 1 for answer in told[0])
