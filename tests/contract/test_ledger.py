"""The subscriptions' ledger: the same on every engine that keeps one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from onmaru.engines.postgres.ledger import PgLedger
from onmaru.engines.sqlite.connection import Keys
from onmaru.engines.sqlite.ledger import SqliteLedger
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.subscribing import KEPT, Ledger, Owner, Progress

KEYS = Keys("main", b"p" * 32, b"c" * 32, b"s" * 32)
OWNER = Owner(1, "kim", b"g" * 32, scopes="user/*.rs", patient="p1")


@pytest.fixture(params=["sqlite", "postgres"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    made: Ledger
    if request.param == "sqlite":
        made = SqliteLedger(tmp_path, KEYS.pages)
    else:
        from contract.conftest import postgres

        _, home = postgres(request.getfixturevalue("database"))
        home.close()
        made = PgLedger(request.getfixturevalue("database"), "main", KEYS.pages)
    assert made.lead()
    yield made
    made.close()


def test_what_was_kept_is_found_and_what_was_dropped_is_not(ledger: Ledger) -> None:
    assert ledger.rows() == [] and ledger.row("a") == (None, None)
    ledger.own("a", None)
    ledger.own("a", OWNER)
    ledger.own("b", OWNER)
    done = Progress(1, 7, 3, 2, "active", "an error", 4, 5)
    ledger.keep([("a", Progress(1, 5)), ("b", Progress(1, 6))])
    ledger.keep([("a", done)], [("a", 2, 6), ("a", 3, 7)])
    assert [id for id, _ in ledger.rows()] == ["a", "b"] and ledger.row("a") == (OWNER, done)
    assert ledger.events("a", 1, 9, 9) == [(2, 6), (3, 7)] and ledger.events("a", 1, 9, 1) == [(2, 6)]
    assert ledger.events("a", 3, 3, 9) == [(3, 7)] and ledger.events("b", 0, 9, 9) == []
    ledger.own("a", None)
    assert ledger.row("a") == (None, None) and ledger.events("a", 0, 9, 9) == []
    assert ledger.row("b") == (OWNER, Progress(1, 6))


def test_old_events_are_let_go(ledger: Ledger) -> None:
    ledger.keep([], [("a", 1, 1), ("a", 2, 2)])
    ledger.keep([], [("a", KEPT + 1, 9)])
    assert ledger.events("a", 0, 2 * KEPT, 9) == [(2, 2), (KEPT + 1, 9)]


def test_one_worker_leads_and_the_others_keep_nothing(database: str) -> None:
    from contract.conftest import postgres

    _, home = postgres(database)
    home.close()
    first, second = (PgLedger(database, "main", KEYS.pages) for _ in range(2))
    assert first.lead() and first.lead() and not second.lead()
    first.keep([("a", Progress(1, 1))])
    with pytest.raises(Invalid):
        second.keep([("a", Progress(1, 2))])
    second.own("a", OWNER)  # whoever takes the request says whose it is
    assert first.row("a") == (OWNER, Progress(1, 1))
    first.close()
    assert second.lead() and second.row("a")[1] == Progress(1, 1)
    second.close()


def test_nothing_of_it_names_a_patient_in_clear(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path, KEYS.pages)
    ledger.own("a", Owner(1, "kim", b"g", patient="patient-of-this-name"))
    ledger.close()
    assert all(b"patient-of-this-name" not in file.read_bytes() for file in tmp_path.iterdir())
