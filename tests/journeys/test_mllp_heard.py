"""The process that hears messages beforehand: killed in the middle nothing acknowledged is lost, and the order is kept."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from itertools import count, islice
from pathlib import Path

import pytest
import uvloop
from tests.served import Served, code
from tests.v2_hall import House

from onmaru.adapters.hl7v2.evidence import INLINE
from onmaru.adapters.hl7v2.hearing import Hearing
from onmaru.adapters.receipt import Source
from onmaru.app import hearing
from onmaru.app.hearing import Ear
from onmaru.app.rooms import all_rooms
from onmaru.kernel.projection import rows_of
from onmaru.kernel.record import Change
from onmaru.simulate.hospital import hospital
from onmaru.simulate.settings import Settings

pytestmark = pytest.mark.skipif(not hearing.worth(), reason="no second core: messages are read on the home loop")


def message(patient: int, number: int, text: str = "") -> bytes:
    """The patient's name and one result, said at second `number`."""
    at = f"20260301{12 + number // 3600:02d}{number // 60 % 60:02d}{number % 60:02d}+0900"
    lines = [
        f"MSH|^~\\&|LAB|HOSP|O|H|{at}||ORU^R01|{patient}-{number}|P|2.5.1||||||UNICODE UTF-8",
        f"PID|1||{patient}^^^HOSP^MR||홍^{number}||19800101|M",
        f"OBR|1|P{patient}-{number}^EMR|F{patient}-{number}^LAB|24323-8^CMP^LN|||{at}",
        f"OBX|1|NM|2345-7^Glucose^LN||{number}|mg/dL|||||F|||{at}",
        f"NTE|1||{text}",
    ]
    return "\r".join(lines).encode()


def ears(house: Served) -> list[int]:
    """The processes that hear for this house."""
    assert house._process is not None
    children = Path(f"/proc/{house._process.pid}/task/{house._process.pid}/children").read_text().split()
    return [pid for pid in map(int, children) if b"onmaru.app.hearing" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def listening(house: Served) -> None:
    """Return once a process hears for this house: the first message starts it."""
    assert not ears(house)
    assert code(house.send(message(99, 0))[0]) == "AA"
    until(lambda: ears(house))


def until(holds: Callable[[], object]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it does not come to hold")


def test_all_that_was_answered_is_there_when_the_hearing_process_is_killed_over_and_over(tmp_path: Path) -> None:
    patients, each = 4, 30
    with Served(tmp_path) as house:
        listening(house)
        answers: dict[int, list[bytes]] = {}

        def sent(patient: int) -> None:
            answers[patient] = house.send(*(message(patient, number) for number in range(each)))

        threads = [threading.Thread(target=sent, args=(patient,)) for patient in range(patients)]
        for thread in threads:
            thread.start()
        killed = set()
        while any(thread.is_alive() for thread in threads):
            for pid in ears(house):
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
            time.sleep(0.4)
        for thread in threads:
            thread.join()
        assert killed
        assert [code(one) for patient in range(patients) for one in answers[patient]] == ["AA"] * patients * each
        house.kill()
        house.start()
        for patient in range(patients):
            (known,) = house.found(f"Patient?identifier={patient}")
            # The word that was said last stands: the messages of one line were taken in their order
            assert known["name"][0]["given"] == [str(each - 1)]
            assert len(house.found(f"Observation?subject=Patient/{known['id']}&_count=100")) == each
        listening(house)
        assert code(house.send(message(1, each))[0]) == "AA"
        assert house.stop() == 0
        status, lines = house.command("verify", "--deep")
        assert (status, lines[0]["wrong"]) == (0, [])


def test_the_hearing_process_ends_with_the_house_however_that_ends(tmp_path: Path) -> None:
    with Served(tmp_path) as house:
        listening(house)
        (ear,) = ears(house)
        house.kill()
        until(lambda: not Path(f"/proc/{ear}").exists() or Path(f"/proc/{ear}/cmdline").read_bytes() == b"")


async def heard_in_order() -> None:
    ear = Ear()
    await ear.start()
    order: list[int] = []

    async def one(number: int, data: bytes) -> bool:
        heard = await ear.hear(data, "+09:00")
        order.append(number)
        return heard is not None

    assert not await one(-1, message(1, 0))  # not up yet: nobody waits for it
    await asyncio.wait_for(ear.ready(), 30)
    long = message(2, 1, "x" * INLINE)
    sent = [message(2, 2), long, b"nothing of the kind", message(2, 3), long, message(2, 4)]
    told = await asyncio.gather(*(one(number, data) for number, data in enumerate(sent)))
    assert told == [True, False, False, True, False, True]
    assert order == [-1, *range(6)]
    waiting = [asyncio.ensure_future(one(number, message(3, number))) for number in range(50)]
    await asyncio.sleep(0.02)
    first = ear.process
    os.kill(first, signal.SIGKILL)
    assert not all(await asyncio.wait_for(asyncio.gather(*waiting), 10))
    assert order == [-1, *range(6), *range(50)]
    await asyncio.wait_for(until_another(ear, first), 30)
    assert await one(50, message(3, 50))
    await ear.close()
    assert not await one(51, message(3, 51))


async def until_another(ear: Ear, first: int) -> None:
    while ear.process in (0, first):
        await asyncio.sleep(0.05)


def test_who_asks_is_answered_in_the_order_of_asking_also_when_the_process_dies() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as the server has it
        runner.run(heard_in_order())


async def stuck() -> None:
    ear = Ear()
    await ear.start()
    await asyncio.wait_for(ear.ready(), 30)
    os.kill(ear.process, signal.SIGSTOP)
    began = asyncio.get_running_loop().time()
    told = await asyncio.wait_for(asyncio.gather(*(ear.hear(message(1, n), "+09:00") for n in range(3))), 10)
    assert told == [None] * 3
    assert asyncio.get_running_loop().time() - began < 5
    await ear.close()


def test_a_hearing_process_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing, "PATIENCE", 0.3)
    asyncio.run(stuck())


def test_what_was_heard_is_forgotten_and_hearing_goes_on() -> None:
    async def forgotten() -> None:
        ear = Ear()
        await ear.start()
        await ear.ready()
        first = ear.process
        assert await ear.hear(message(1, 1), "+09:00") is not None
        ear.forget()
        while ear.process in (0, first):
            await asyncio.sleep(0.02)
        assert await ear.hear(message(1, 2), "+09:00") is not None
        await ear.close()

    uvloop.run(forgotten())


def test_a_defect_in_hearing_tells_nothing() -> None:
    class Broken(hearing.Hearing):
        def hear(self, data: bytes, zone: str) -> None:
            raise ZeroDivisionError

    numbers = count()
    broken = Broken(lambda: str(next(numbers)))
    assert hearing.told(broken, hearing._encode(hearing.Hear("+09:00", message(1, 1)))) == b""
    assert hearing.told(broken, hearing._encode(hearing.Follow("no such projection", []))) == b""


def test_rows_that_were_made_beside_are_those_that_are_made_here(tmp_path: Path) -> None:
    house = House(tmp_path)
    events = (event.payload for event in hospital(3, 2, settings=Settings()) if event.channel == "hl7v2")
    for data in islice(events, 60):
        house.door.take(house.hall, data, Source("mllp", "test", "hl7v2"))
    gone = house.all("Patient")[0]
    house.hall.record.write([Change("delete", "Patient", gone["id"])])
    versions = house.log.read(0, 10_000)
    for room in all_rooms():
        for projection in room.projections:
            mine = [version for version in versions if version.type in projection.types]
            answer = hearing.told(Hearing(str), hearing._encode(hearing.Follow(projection.name, mine)))
            made = dict(hearing._rows(answer))
            assert [(v, tuple(rows)) for v, rows in rows_of(projection, versions, made)] == [
                (version, tuple(rows)) for version, rows in projection.apply(mine)
            ]


def test_a_house_under_many_messages_shows_what_was_written(tmp_path: Path) -> None:
    with Served(tmp_path) as house:
        listening(house)
        time.sleep(1)
        for patient in range(3):
            answers = house.send(*(message(patient, number) for number in range(40)))
            assert {code(one) for one in answers} == {"AA"}
        shown = ["홍0", *["홍39"] * 3]
        until(lambda: sorted(one["name"] for one in house.get("/rooms/journey/patients")[1]["items"]) == shown)
