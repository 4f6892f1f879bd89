"""What msgspec learns of a Struct is learnt by one thread at a time: two that learn of the same one end the process."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from onmaru.app.described import describe
from onmaru.fhir import structs
from onmaru.kernel.accounts import Grant
from onmaru.kernel.importing import Wanted

SRC = Path(structs.__file__).parents[1]
TYPES = ("VisionPrescription", "Slot", "Linkage", "Flag")


def test_decoders_of_resources_are_made_one_after_the_other_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    within, most, made = 0, 0, []
    turn = threading.Lock()

    def slow(struct: type) -> Any:
        nonlocal within, most
        with turn:
            within += 1
            most = max(most, within)
        time.sleep(0.01)
        made.append(struct)
        with turn:
            within -= 1
        return object()

    for name in TYPES:
        structs.struct(name)
    monkeypatch.setattr(structs, "_DECODERS", {})
    monkeypatch.setattr(structs, "msgspec", SimpleNamespace(json=SimpleNamespace(Decoder=slow)))
    with ThreadPoolExecutor(12) as threads:
        found = list(threads.map(structs.decoder, TYPES * 3))
    assert most == 1 and len(made) == len(TYPES) and len({id(one) for one in found}) == len(TYPES)


def test_nobody_else_makes_a_decoder_of_a_resource() -> None:
    others = [path.name for path in SRC.rglob("*.py") if "type=struct(" in path.read_text("utf-8")]
    assert others == []


def test_a_server_describes_every_struct_of_the_house_before_it_has_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[type] = []
    monkeypatch.setattr(msgspec.json, "Decoder", seen.append)
    assert describe() == len(seen) > 100
    assert {Grant, Wanted} <= set(seen)
    assert not any(one.__module__ == structs.__name__ for one in seen)
