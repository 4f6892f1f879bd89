"""What consents and labels hide is hidden alike on every engine, and hides as if it had never been written."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contract.conftest import memory
from tests.generative.conftest import Opened
from tests.generative.histories import CODES, PATIENTS, changes, searches
from tests.generative.test_engines_agree import answered, written

from onmaru.fhir import search
from onmaru.fhir.search.dates import span
from onmaru.kernel.caller import Caller, Purpose, Scope
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.provision import rule
from onmaru.kernel.record import Change

CONF = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
LABELS = [
    (CONF, "N"),
    (CONF, "R"),
    (CONF, "V"),
    (CONF, "?"),
    (ACT, "SUD"),
    (ACT, "OPIOIDUD"),
    ("urn:x", "y"),
    ("", "R"),
]
READS = (Scope("user", "*", frozenset("rs")),)


def asker(role: Any, purpose: Purpose, patient: str = "") -> Caller:
    return Caller("main", "x", frozenset({role}), purpose, READS, patient)


CALLERS = [
    asker("nurse", "TREAT"),
    asker("registrar", "HPAYMT"),
    asker("data-manager", "HRESCH"),
    asker("physician", "BTG", "p1"),
]


@st.composite
def marked(draw: st.DrawFn) -> Change:
    """A change whose resource may bear labels."""
    change = draw(changes())
    labels = draw(st.lists(st.sampled_from(LABELS), max_size=2)) if draw(st.integers(0, 2)) == 0 else []
    if change.op != "update" or not labels:
        return change
    security = [{"system": system, "code": code} if system else {"code": code} for system, code in labels]
    body = {**json.loads(change.body), "meta": {"security": security}}
    return msgspec.structs.replace(change, body=json.dumps(body, ensure_ascii=False).encode())


@st.composite
def provisions(draw: st.DrawFn, depth: int = 2) -> dict[str, Any]:
    parts: list[Callable[[], dict[str, Any]]] = [
        lambda: {"class": [{"code": draw(st.sampled_from(["Observation", "Patient", "x"]))}]},
        lambda: {"code": [{"coding": [{"code": draw(st.sampled_from(CODES))}]}]},
        lambda: {"securityLabel": [{"system": ACT, "code": draw(st.sampled_from(["SUD", "OPIOIDUD"]))}]},
        lambda: {"securityLabel": [{"system": CONF, "code": draw(st.sampled_from("NR"))}]},
        lambda: {"dataPeriod": {"start": draw(st.sampled_from(["2019-06", "2020-02-29"]))}},
        lambda: {"data": [{"meaning": "instance", "reference": {"reference": "Observation/o1"}}]},
        lambda: {"purpose": [{"code": draw(st.sampled_from(["TREAT", "HRESCH", "BTG"]))}]},
    ]
    said = {"type": draw(st.sampled_from(["deny", "permit"]))}
    for part in draw(st.lists(st.sampled_from(parts), max_size=2)):
        said |= part()
    if depth:
        said["provision"] = draw(st.lists(provisions(depth - 1), max_size=2))
    return said


consents = st.lists(st.tuples(st.sampled_from(PATIENTS), provisions()), max_size=3)


def closed(tenant: Tenant, said: Sequence[tuple[str, dict[str, Any]]]) -> None:
    for number, (patient, provision) in enumerate(said):
        consent = {"status": "active", "patient": {"reference": f"Patient/{patient}"}, "provision": provision}
        tenant.gate.consents.take(str(number), rule(consent, lambda text, end: span(text)[1 if end else 0]))


@settings(max_examples=20)
@given(
    st.lists(marked(), min_size=4, max_size=25),
    consents,
    st.lists(searches(), min_size=1, max_size=4),
    st.integers(1, 7),
    st.floats(0, 1),
    st.sampled_from(CALLERS),
)
def test_what_is_hidden_is_hidden_alike_on_every_engine(
    opened: Opened,
    history: list[Change],
    said: Sequence[tuple[str, dict[str, Any]]],
    asked: list[tuple[str, list[tuple[str, str]]]],
    group: int,
    when: float,
    caller: Caller,
) -> None:
    oracle = memory()
    with opened() as engine:
        written(oracle, history, 1)
        written(engine, history, group)
        for tenant in (oracle, engine):
            closed(tenant, said)
        t = round(when * oracle.log.head())
        for position in (t, oracle.log.head()):
            ours, theirs = (Chart(one, caller).at(position) for one in (engine, oracle))
            for type, pairs in asked:
                query = search.parse((type,), pairs)
                assert answered(ours, query) == answered(theirs, query), (type, pairs, position)
            shown = [[(v.t, v.body) for v in chart.history(count=100).matches] for chart in (ours, theirs)]
            assert shown[0] == shown[1]


def visible(tenant: Tenant, caller: Caller) -> list[Change]:
    """The history again, of what the caller sees alone, and of resources alone of which the newest version is seen."""
    sight = tenant.gate.sight(caller)
    index, versions = tenant.index, tenant.index.touched(0, tenant.log.head())
    shown = [v for v in versions if sight.shows(v, index.compartments(v), index.keys)]
    newest = {v.name: v.t for v in versions}
    seen = {v.t for v in shown}
    shown = [v for v in shown if newest[v.name] in seen]
    return [Change("update" if v.body else "delete", v.type, v.id, v.body or b"") for v in shown]


@settings(max_examples=20)
@given(
    st.lists(marked().filter(lambda change: change.op != "erase"), min_size=4, max_size=25),
    consents,
    st.lists(searches(), min_size=1, max_size=4),
    st.sampled_from(CALLERS),
)
def test_what_is_hidden_changes_no_answer(
    history: list[Change],
    said: Sequence[tuple[str, dict[str, Any]]],
    asked: list[tuple[str, list[tuple[str, str]]]],
    caller: Caller,
) -> None:
    full, bare = memory(), memory()
    written(full, history, 1)
    closed(full, said)
    written(bare, visible(full, caller), 1)
    closed(bare, said)
    for type, pairs in asked:
        query = search.parse((type,), pairs)
        answers = [nameless(answered(Chart(one, caller), query)) for one in (full, bare)]
        assert answers[0] == answers[1], (type, pairs)


def nameless(answer: Any) -> Any:
    """Without versions, times and the cut of pages."""
    if not isinstance(answer, list):
        return answer
    names = [(name, body and {**json.loads(body), "meta": None}) for _, page, *_ in answer for name, _, body in page]
    return answer[0][0], names
