"""What a worker keeps of the index: asked for once, true again after another worker's write, an erasure, a lost group."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from asyncpg import InterfaceError, PostgresError
from tests.contract.conftest import KEYS, SYSTEM, Ticking, postgres
from tests.contract.test_record import patient

from onmaru.engines.postgres.home import PgHome
from onmaru.engines.postgres.link import Link
from onmaru.fhir import search
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.consent import Consents
from onmaru.kernel.gate import Gate
from onmaru.kernel.record import Change

ASKED = (
    ("Patient", {"family": "kim"}),
    ("Patient", {"gender:not": "male"}),
    ("Patient", {"_id": "p1,p2,p9", "_sort": "birthdate"}),
    ("Observation", {"patient": "p1", "date": "ge2026-02-01"}),
    ("Observation", {"subject:Patient.family": "kim", "_sort": "-date"}),
    ("Patient", {"_has:Observation:patient:status": "final"}),
)


@pytest.fixture
def workers(database: str) -> Iterator[tuple[Chart, Chart]]:
    tenant, home = postgres(database)
    other = PgHome(database, KEYS, Ticking())
    now = Ticking()
    second = Tenant(
        "main", other, other.index, other.trail, Gate("main", Consents(), now), now, lambda: f"other-{other.tip()}"
    )
    charts = Chart(tenant, SYSTEM), Chart(second, SYSTEM)
    _put(charts[0], "Patient", "p1", patient(id="p1", name=[{"family": "Kim"}], gender="female", birthDate="1970"))
    _put(charts[0], "Patient", "p2", patient(id="p2", name=[{"family": "Lee"}], gender="male", birthDate="1960"))
    _put(charts[0], "Observation", "o1", _observation("o1", "p1", "2026-03-01"))
    other.refresh()
    yield charts
    other.close()
    home.close()


def _home(chart: Chart) -> PgHome:
    home = chart._tenant.log
    assert isinstance(home, PgHome)
    return home


def _observation(id: str, patient: str, date: str) -> bytes:
    return (
        f'{{"resourceType":"Observation","id":"{id}","status":"final","code":{{"text":"x"}},'
        f'"subject":{{"reference":"Patient/{patient}"}},"effectiveDateTime":"{date}"}}'
    ).encode()


def _put(chart: Chart, type: str, id: str, body: bytes) -> None:
    chart.write([Change("update", type, id, body)])
    _home(chart).wait(_home(chart).tip())


def _found(chart: Chart) -> list[list[str]]:
    return [
        [one.id for one in chart.search(search.parse((type,), list(pairs.items()))).matches] for type, pairs in ASKED
    ]


def test_what_was_asked_once_is_answered_from_memory(
    workers: tuple[Chart, Chart], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _found(workers[1])
    assert first == [["p1"], ["p1"], ["p2", "p1"], ["o1"], ["o1"], ["p1"]]
    monkeypatch.setattr(Link, "execute", lambda *asked: pytest.fail(f"asked again: {asked[1]}"))
    assert _found(workers[1]) == first


def test_what_a_worker_writes_itself_is_added_without_asking(
    workers: tuple[Chart, Chart], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = workers
    keyed = [search.parse(("Observation",), [("patient", "p1")]), search.parse(("Patient",), [("gender", "female")])]
    real, asked = Link.execute, list[str]()
    for number in range(3):
        _put(one, "Observation", f"n{number}", _observation(f"n{number}", "p1", "2026-05-01"))
        _put(one, "Patient", f"n{number}", patient(id=f"n{number}", gender="female"))
        found = [[version.id for version in one.search(query).matches] for query in keyed]
        if number == 0:
            monkeypatch.setattr(Link, "execute", lambda *given: (asked.append(given[1]), real(*given))[1])
    assert found == [["n2", "n1", "n0", "o1"], ["n2", "n1", "n0", "p1"]]
    assert not [sql for sql in asked if sql.startswith("SELECT array_agg")]


def test_what_another_worker_wrote_is_found_though_the_rest_is_kept(workers: tuple[Chart, Chart]) -> None:
    one, two = workers
    _found(two)
    _put(one, "Patient", "p9", patient(id="p9", name=[{"family": "Kim"}], gender="female", birthDate="1950"))
    _put(one, "Patient", "p2", patient(id="p2", name=[{"family": "Kim"}], gender="female", birthDate="1960"))
    _put(one, "Observation", "o1", _observation("o1", "p9", "2026-04-01"))
    _put(one, "Observation", "o2", _observation("o2", "p1", "2026-01-01"))
    _home(two).refresh()
    kims = ["p2", "p9", "p1"]
    assert _found(two) == [kims, kims, ["p9", "p2", "p1"], [], ["o1", "o2"], ["p9", "p1"]] == _found(one)


def test_what_another_worker_erased_is_found_no_more(workers: tuple[Chart, Chart]) -> None:
    one, two = workers
    _found(two)
    one.write([Change("erase", "Observation", "o1")])
    _home(one).wait(_home(one).tip())
    _home(two).refresh()
    assert _found(two) == [["p1"], ["p1"], ["p2", "p1"], [], [], []] == _found(one)


def test_what_a_lost_group_held_is_not_remembered(workers: tuple[Chart, Chart], database: str) -> None:
    one, two = workers
    home = _home(one)
    one.write([Change("update", "Patient", "p2", patient(id="p2", name=[{"family": "Kim"}], gender="female"))])
    home.index.reach(home.tip())
    _found(one)
    link = Link(database, "")
    link.execute("SELECT pg_terminate_backend(?)", (home._link.execute("SELECT pg_backend_pid()").get,))
    link.close()
    with pytest.raises((Invalid, PostgresError, InterfaceError, OSError)):
        home.wait(home.tip())
    _put(two, "Patient", "p3", patient(id="p3", name=[{"family": "Kim"}], gender="male"))
    home.refresh()
    assert _found(one)[:2] == [["p3", "p1"], ["p1"]] == _found(two)[:2]


def test_a_batch_asks_for_all_that_it_updates_at_once(
    workers: tuple[Chart, Chart], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = workers
    ids = [*(f"b{number}" for number in range(20)), "p2"]
    batch = [Change("update", "Patient", id, patient(id=id, gender="other"), make=True) for id in ids]
    real, asked = Link.execute, list[str]()
    monkeypatch.setattr(Link, "execute", lambda *given: (asked.append(given[1]), real(*given))[1])
    assert [each.version.version for each in two.write(batch)] == [*([1] * 20), 2]
    _home(two).wait(_home(two).tip())
    assert len(asked) < len(ids), "not a question for each"
    _home(one).refresh()
    assert [each.version.version for each in one.write(batch)] == [*([2] * 20), 3]
    _home(one).wait(_home(one).tip())


def test_a_name_that_nobody_had_is_known_once_another_worker_has_given_it(workers: tuple[Chart, Chart]) -> None:
    one, two = workers
    _home(two).index.expect([("Patient", "later"), ("Patient", "p1")])
    assert _home(two).index.latest("Patient", "later", _home(two).head()) is None
    _put(one, "Patient", "later", patient(id="later"))
    _home(two).refresh()
    assert two.read("Patient", "later").version == 1
    two.write([Change("update", "Patient", "later", patient(id="later", gender="other"))])
    _home(two).wait(_home(two).tip())
    assert two.read("Patient", "later").version == 2
