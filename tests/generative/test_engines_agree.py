"""Every engine answers as the oracle does on random histories, searches and callers, and so does a rebuilt index."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.contract.conftest import KEYS, SYSTEM, memory, postgres, sqlite
from tests.generative.conftest import Opened
from tests.generative.histories import PATIENTS, histories, searches

from onmaru.engines.index import find, joins
from onmaru.engines.index.follower import decoded
from onmaru.engines.postgres.deep import named as stored
from onmaru.engines.postgres.link import Link
from onmaru.engines.postgres.schema import schema_of
from onmaru.engines.sqlite.deep import named
from onmaru.engines.sqlite.index import IndexFile
from onmaru.engines.sqlite.schema import INSERTS
from onmaru.fhir import search
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.query import Query
from onmaru.kernel.caller import Caller, Scope
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.record import Change

RESTRICTED = Caller(
    "main", "p", frozenset({"patient"}), "PATRQT", (Scope("patient", "*", frozenset("rs")),), patient="p1"
)
BARRED = Caller("main", "b", frozenset({"physician"}), "TREAT", (Scope("user", "*", frozenset("rs")),))
DENIED = {
    "resourceType": "Consent", "id": "no", "status": "active", "scope": {"coding": [{"code": "patient-privacy"}]},
    "category": [{"coding": [{"code": "59284-0"}]}], "policyRule": {"text": "opt-out"},
    "patient": {"reference": "Patient/p1"}, "provision": {"type": "deny", "actor": [
        {"role": {"coding": [{"code": "physician"}]}, "reference": {"display": "physicians"}}]},
}  # fmt: skip
DENIAL = Change("update", "Consent", "no", json.dumps(DENIED).encode())
PARTIAL = Caller("main", "n", frozenset({"nurse"}), "TREAT", (Scope("user", "Observation", frozenset("rs")),))


def written(tenant: Tenant, history: Sequence[Change], group: int) -> list[Any]:
    """Apply a history, made durable every `group` changes; what each change came to."""
    chart, answers = Chart(tenant, SYSTEM), []
    for number, change in enumerate(history, start=1):
        try:
            answers.append([(one.status, one.version.t) for one in chart.write([change])])
        except Invalid as refusal:
            answers.append(refusal.status)
        if number % group == 0:
            tenant.log.wait(tenant.log.tip())
    tenant.log.wait(tenant.log.tip())
    return answers


def answered(chart: Chart, query: Query) -> Any:
    """Every page of a search, or its refusal."""
    pages = []
    for _ in range(40):
        try:
            page = chart.search(query)
        except Invalid as refusal:
            return refusal.status
        extra = [v.name for v in page.included]
        pages.append((page.total, [(v.name, v.version, v.body) for v in page.matches], extra, page.notes))
        if not page.cursor:
            break
        query = msgspec.structs.replace(query, cursor=page.cursor)
    return pages


@given(
    histories,
    st.lists(searches(), min_size=1, max_size=4),
    st.integers(1, 7),
    st.floats(0, 1),
    st.sampled_from([SYSTEM, RESTRICTED, PARTIAL, BARRED, BARRED]),
    st.sampled_from([0, 1, 512]),
    st.sampled_from(["", "", "p1"]),
)
def test_every_search_is_answered_as_the_oracle_does(
    opened: Opened,
    history: list[Change],
    asked: list[tuple[str, list[tuple[str, str]]]],
    group: int,
    when: float,
    caller: Caller,
    few: int,
    inside: str,
) -> None:
    """`few`: how many matches are judged on their bodies; beyond, the tables are joined. `inside`: a compartment."""
    oracle = memory()
    with opened() as engine, patch.object(find, "SMALL", few), patch.object(joins, "FEW", few):
        history = [DENIAL, *history]
        assert written(oracle, history, 1) == written(engine, history, group)
        t = round(when * oracle.log.head())
        for type, pairs in asked:
            query = msgspec.structs.replace(search.parse((type,), pairs), compartment=inside)
            for position in (t, oracle.log.head()):
                ours = answered(Chart(engine, caller).at(position), query)
                assert ours == answered(Chart(oracle, caller).at(position), query), (type, pairs, position)


@given(histories, st.integers(1, 7), st.integers(1, 7))
def test_an_index_that_followed_in_groups_equals_one_rebuilt(history: list[Change], group: int, slice: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine, home = sqlite(Path(folder) / "main")
        written(engine, history, group)
        tables = [list(named(home.index.file.db, name)) for name in INSERTS]
        home.close()
        for path in (Path(folder) / "main").glob("idx.db*"):
            path.unlink()
        _, again = sqlite(Path(folder) / "main")
        rebuilt = [list(named(again.index.file.db, name)) for name in INSERTS]
        again.close()
        for name, ours, theirs in zip(INSERTS, tables, rebuilt, strict=True):
            assert ours == theirs, name


@given(histories, st.integers(1, 7))
def test_an_index_in_postgresql_equals_one_rebuilt_from_its_log(
    database: str, history: list[Change], group: int
) -> None:
    engine, home = postgres(database)
    try:
        written(engine, history, group)
        with tempfile.TemporaryDirectory() as scratch:
            file = IndexFile(Path(scratch), KEYS)
            file.apply([(version, decoded(version)) for version in home.read(0, 1000)])
            link = Link(database, schema_of("main"))
            with link.transaction():
                for name in INSERTS:
                    assert list(stored(link, name)) == list(named(file.db, name)), name
            link.close()
            file.close()
    finally:
        home.close()


@given(histories, st.sampled_from(PATIENTS), st.integers(1, 5))
def test_histories_agree(opened: Opened, history: list[Change], patient: str, count: int) -> None:
    oracle = memory()
    with opened() as engine:
        written(oracle, history, 1)
        written(engine, history, 3)
        for type, id in (("Patient", patient), ("Observation", ""), ("", "")):
            ours, theirs = (_history(Chart(one, SYSTEM), type, id, count) for one in (engine, oracle))
            assert ours == theirs


def _history(chart: Chart, type: str, id: str, count: int) -> Any:
    try:
        page = chart.history(type, id, count=count)
    except Invalid as refusal:
        return refusal.status
    return [(v.t, v.name, v.version, v.op, v.body) for v in page.matches], bool(page.cursor)
