"""Blobs of any length: read a chunk at a time, from any place, and never a byte that was not written there."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from onmaru.app.house import MAIN, House, Place, system
from onmaru.engines.sealed import CHUNK, SALT, TAG, Damaged
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.blobs import Blobs
from onmaru.kernel.caller import Caller, Scope
from onmaru.kernel.provision import Provision, Rule
from onmaru.kernel.tenancy import Limits, Tenancy

SIZES = (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 77)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(Place(tmp_path / "home", tmp_path / "keys", tmp_path / "witness"), rooms=())
    yield made
    made.close()


@pytest.fixture
def blobs(house: House) -> Blobs:
    return house.hall(system(MAIN)).blobs


def file_of(house: House, name: str) -> Path:
    return house.folder(MAIN) / "blobs" / name[:2] / name


@pytest.mark.parametrize("size", SIZES)
def test_bytes_come_back_as_they_went_in_however_they_were_cut(blobs: Blobs, size: int) -> None:
    data = os.urandom(size)
    name = blobs.put(data[start : start + 300_001] for start in range(0, size, 300_001))
    assert blobs.put([data]) == name, "the same bytes are stored once"
    with blobs.open(name) as file:
        assert file.read() == data
        for place in (0, size // 2, max(0, size - 3), size + 5):
            assert file.seek(place) == place
            assert file.read(5) == data[place : place + 5]
    assert blobs.put([data], label="other") != name


def test_a_large_blob_is_never_held_in_memory(blobs: Blobs) -> None:
    part = os.urandom(1 << 18)
    tracemalloc.start()
    name = blobs.put(part for _ in range(160))
    size = 0
    with blobs.open(name) as file:
        while found := file.read(1 << 16):
            size += len(found)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size == 40 << 20
    assert peak < 8 << 20, peak


@pytest.mark.parametrize("harm", ["cut", "flipped", "swapped", "doubled", "of another file", "without a card"])
def test_a_file_that_was_tampered_with_gives_none_of_the_bytes_concerned(house: House, blobs: Blobs, harm: str) -> None:
    name, other = (blobs.put([os.urandom(2 * CHUNK + 9)]) for _ in range(2))
    path = file_of(house, name)
    raw = path.read_bytes()
    first, second = raw[SALT : SALT + CHUNK + TAG], raw[SALT + CHUNK + TAG : SALT + 2 * (CHUNK + TAG)]
    rest = raw[SALT + 2 * (CHUNK + TAG) :]
    theirs = file_of(house, other).read_bytes()[SALT : SALT + CHUNK + TAG]
    path.write_bytes(
        {
            "cut": raw[:SALT] + first + rest,
            "flipped": raw[:-100_000] + bytes([raw[-100_000] ^ 1]) + raw[-99_999:],
            "swapped": raw[:SALT] + second + first + rest,
            "doubled": raw[:SALT] + first + first + rest,
            "of another file": raw[:SALT] + theirs + second + rest,
            "without a card": raw[:SALT],
        }[harm]
    )
    with pytest.raises(Damaged), blobs.open(name) as file:
        file.read()


def test_a_put_that_fails_halfway_leaves_nothing(house: House, blobs: Blobs) -> None:
    def broken() -> Iterator[bytes]:
        yield os.urandom(2 * CHUNK)
        raise ConnectionError("the sender left")

    with pytest.raises(ConnectionError):
        blobs.put(broken())
    assert list((house.folder(MAIN) / "blobs").iterdir()) == []


def test_an_unknown_name_is_refused(blobs: Blobs) -> None:
    for name in ("0" * 64, "../../../accounts.db", "x"):
        with pytest.raises(Invalid) as refused:
            blobs.open(name)
        assert refused.value.status == 404


def test_a_blob_is_there_for_nobody_from_whom_its_patient_is_hidden(house: House, blobs: Blobs) -> None:
    theirs, nobodys = blobs.put([b"a scan"], patient="p1"), blobs.put([b"a manual"])
    gate = house.seat(MAIN).tenant.gate
    gate.consents.take("c", Rule("p1", Provision(True, frozenset({"barred"}), frozenset(), 0, 2**62)))
    scopes = (Scope("user", "*", frozenset("crud")),)
    barred = house.hall(Caller(MAIN, "barred", frozenset({"physician"}), "TREAT", scopes)).blobs
    nurse = house.hall(Caller(MAIN, "nurse", frozenset({"nurse"}), "TREAT", scopes)).blobs
    assert (nurse.has(theirs), nurse.of("p1")) == (True, [theirs])
    assert (barred.has(theirs), list(barred.of("p1")), barred.has(nobodys)) == (False, [], True)
    for name in (theirs, "0" * 64):
        with pytest.raises(Invalid) as refusal:
            barred.open(name)
        assert (refusal.value.status, refusal.value.issues[0].text) == (404, "no such blob")
    rows = [row for _, row in house.seat(MAIN).home.trail.page(user="barred")]
    assert [(row.target, row.reason) for row in rows if not row.allowed][:1] == [(f"Blob/{theirs}", "hidden")]


def test_without_a_scope_for_binaries_no_blob_is_kept_opened_or_dropped(house: House, blobs: Blobs) -> None:
    name = blobs.put([b"a scan"])
    scopes = (Scope("user", "Observation", frozenset("cruds")),)
    narrow = house.hall(Caller(MAIN, "nurse", frozenset({"nurse"}), "TREAT", scopes)).blobs
    for act in (
        lambda: narrow.put([b"x"]),
        lambda: narrow.open(name),
        lambda: narrow.drop([name]),
        lambda: narrow.of("p"),
    ):
        with pytest.raises(Invalid) as refusal:
            act()
        assert refusal.value.status == 403
    assert not narrow.has(name) and blobs.has(name)


def test_a_tenant_keeps_no_more_bytes_than_it_may_and_leaves_nothing_of_what_was_too_much(
    house: House, blobs: Blobs
) -> None:
    kept = blobs.put([b"x" * 1000])
    house.tenancies.save(Tenancy(MAIN, limits=Limits(blobs=3000)))
    with pytest.raises(Invalid) as refused:
        blobs.put([b"y" * 1000, b"z" * 1000])
    assert refused.value.status == 507
    assert [path.name for path in (house.folder(MAIN) / "blobs").rglob("*") if path.is_file()] == [kept]
    other = blobs.put([b"y" * 1000])
    with pytest.raises(Invalid):
        blobs.put([b"w" * 1000])
    assert blobs.drop([other]) == 1
    blobs.put([b"w" * 1000])
