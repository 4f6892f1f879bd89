"""What the soak proof would not see would prove nothing: an event that was never told, and who was made."""

from __future__ import annotations

from pathlib import Path

import pytest

from onmaru.app.house import Place
from onmaru.app.prove import soak, subscriptions
from onmaru.app.prove.clients import Ledger


def worker(folder: Path, *written: str) -> soak.Worker:
    made = soak.Worker(Place(folder / "home", folder / "keys", folder / "witness"), "")
    made.ledger = Ledger(written=dict.fromkeys(written, b""))
    return made


def test_each_patient_that_a_worker_acknowledged_has_to_be_told(tmp_path: Path) -> None:
    one = worker(tmp_path, "Patient/a/1", "Patient/a/2", "Observation/o/1")
    assert soak._patients([one, worker(tmp_path, "Patient/b/1")]) == {"a", "b"}


def test_an_event_that_was_never_told_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "PATIENCE", 0.0)
    receiver = subscriptions.Receiver(1)
    receiver.heard = {"/hook/0": [(1, "a"), (2, "b")], "/hook/1": [(1, "a")]}
    try:
        soak._listened(receiver, ["/hook/0"], {"a", "b"})
        with pytest.raises(AssertionError, match="was not told"):
            soak._listened(receiver, ["/hook/0", "/hook/1"], {"a", "b"})
    finally:
        receiver.close()


def test_a_worker_that_ended_by_itself_is_seen(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        worker(tmp_path).kill()
