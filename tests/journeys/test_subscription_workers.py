"""Two workers of one house on PostgreSQL: one of them tells whoever writes, and the other goes on when it is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from onmaru.engines.postgres.schema import drop
from onmaru.engines.postgres.store import Store
from receiver import Receiver, until
from subscribing_house import Served, topic, topical

PATIENTS = "http://topics.example/patients"


def test_another_worker_goes_on_where_the_one_that_told_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str
) -> None:
    for tenant in Store(database).tenants():
        drop(database, tenant)
        Store(database).forget_key(tenant)
    receiver = Receiver()
    monkeypatch.setenv("ONMARU_STORE", database)
    one = Served(tmp_path / "one", monkeypatch, receiver.port, keys=tmp_path / "keys")
    two = Served(tmp_path / "two", monkeypatch, receiver.port, keys=tmp_path / "keys", tokens=one.tokens)
    one.ask("POST", "/Basic", topic(PATIENTS, "Patient", "create"))
    until(lambda: two.ask("GET", "/Basic")["total"] == 1)
    id = two.subscribe(topical(PATIENTS, receiver.url))
    until(lambda: one.state(id)[0] == "active")
    for number in range(4):
        (one if number % 2 else two).patient()
    until(lambda: receiver.numbers() == [1, 2, 3, 4])
    receiver.mood = 500
    two.patient()
    until(lambda: two.state(id)[1])
    one.stop()
    receiver.mood = 200
    two.patient()
    until(lambda: receiver.numbers()[-1:] == [6], 20)
    assert receiver.numbers() == [1, 2, 3, 4, 5, 6]
    two.stop()
    receiver.close()
