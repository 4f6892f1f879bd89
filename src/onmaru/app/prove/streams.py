"""Proof of issue 5's streams: broker and house killed, a clock an hour wrong, a device moved, broken messages by number.

What was sent is looked for by its number in the journal and in the dead letters of the house as it lies on the disk.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from onmaru.adapters.mqtt import Broker, Publisher
from onmaru.app.evidence import Figures, Proof
from onmaru.app.house import MAIN, House, Place, now, system
from onmaru.app.prove.broker import Process, ended, mosquitto, needed
from onmaru.app.prove.ground import environment, free_port
from onmaru.app.streams.intake import Kept
from onmaru.engines.journal import Journal
from onmaru.kernel.record import Change
from onmaru.rooms.monitor.live import SECOND
from onmaru.rooms.monitor.stream.summary import instant

DEVICES, ROUNDS, BROKEN = 20, 60, 2_000
HOUR = 3600 * SECOND
TOPIC = "onmaru/stream/proof"


def streams(requests: int = BROKEN) -> Figures:
    """`requests`: how many broken messages are sent among the sound ones."""
    needed("mosquitto")
    with tempfile.TemporaryDirectory(prefix="onmaru-proof-") as scratch:
        return Streams(Path(scratch), requests).run()


class Streams:
    """One house, one broker and one sender that sends again what it holds whenever it is connected anew."""

    def __init__(self, folder: Path, broken: int) -> None:
        self._folder, self._broken = folder, broken
        self._port, self._web = free_port(), free_port()
        self._place = Place(folder / "home", folder / "keys", folder / "witness")
        self._moved = 0
        self._sent: list[bytes] = []
        self._expected: dict[int, str] = {}

    def run(self) -> Figures:
        """Send everything, with both killed in between, and count what the house holds afterwards."""
        self._furnish()
        with self._broker() as broker, self._house() as house:
            self._send(0, ROUNDS // 3)
            broker.send_signal(signal.SIGKILL)
            broker.wait()
        with self._broker(), self._house() as house:
            self._send(ROUNDS // 3, 2 * ROUNDS // 3)
            house.send_signal(signal.SIGKILL)
            house.wait()
            self._send(2 * ROUNDS // 3, ROUNDS, wait=False)
            with self._house():
                self._settled()
        return self._counted()

    # -- what is sent --------------------------------------------------------------------------------------------

    def _furnish(self) -> None:
        house = House(self._place)
        began = now()
        # Device 0 is moved from the first patient to the second; what it said before is the first one's
        self._moved = began - 300 * SECOND
        made: list[dict[str, Any]] = []
        for n in range(DEVICES + 1):
            made.append({"resourceType": "Patient", "id": f"p{n}"})
        for n in range(DEVICES):
            made.append({"resourceType": "Device", "id": f"d{n}", "identifier": [{"value": f"mon-{n}"}]})
            made.append(_use(f"u{n}", n, f"p{n}", began - HOUR, self._moved if n == 0 else 0))
        made.append(_use("moved", 0, f"p{DEVICES}", self._moved, 0))
        changes = [Change("update", str(m["resourceType"]), str(m["id"]), json.dumps(m).encode()) for m in made]
        house.seat(MAIN).home.wait(house.hall(system(MAIN)).record.write(changes)[-1].version.t)
        house.close()

    def _send(self, low: int, high: int, *, wait: bool = True) -> None:
        """Rounds `low` … `high` of every device, and their share of what is broken; all that was sent before, again."""
        dice = random.Random(low)  # noqa: S311 - which byte is broken is no secret
        for turn in range(low, high):
            for device in range(DEVICES):
                self._one(device, turn)
        for _ in range(self._broken // 3):
            self._bad(dice)
        asyncio.run(_published(self._port, self._sent))
        if wait:
            self._settled()

    def _one(self, device: int, turn: int) -> None:
        number, wrong = len(self._sent), device == 1 and turn % 5 == 0
        before = device == 0 and turn % 2 == 0
        at = self._moved + (turn + 1) * SECOND * (-1 if before else 1)
        at += HOUR if wrong else 0
        whose = f"p{DEVICES}" if device == 0 and not before else f"p{device}"
        self._expected[number] = "" if wrong else whose
        values = {"8867-4": [60 + turn % 60, "/min"], "59408-5": [97, "%"]}
        self._sent.append(json.dumps({"n": number, "device": f"mon-{device}", "at_us": at, "values": values}).encode())

    def _bad(self, dice: random.Random) -> None:
        number = len(self._sent)
        self._expected[number] = ""
        head = b'{"n":%d,' % number
        self._sent.append(head + dice.choice(BAD))

    def _settled(self) -> None:
        """Wait until the broker holds nothing for the house any more and the house has nothing waiting."""
        last, since = -1, time.monotonic()
        while time.monotonic() - since < 6:
            size = sum(path.stat().st_size for path in self._journals())
            if size != last:
                last, since = size, time.monotonic()
            time.sleep(0.5)

    def _journals(self) -> list[Path]:
        return list((self._place.home / "tenants" / MAIN / "streams").glob("*.journal"))

    # -- what is found -------------------------------------------------------------------------------------------

    def _counted(self) -> Figures:
        house = House(self._place)
        key = house.keys(MAIN)[1].key("streams")
        journal = Journal(house.folder(MAIN) / "streams", key)
        unpack = zstandard.ZstdDecompressor()
        found: Counter[int] = Counter()
        dead: set[int] = set()
        whose: dict[int, str] = {}
        for number in journal.left:
            for frame in journal.read(number):
                for one in msgspec.msgpack.decode(unpack.decompress(frame, 1 << 28), type=list[Kept]):
                    n = int(one.payload[5 : one.payload.index(b",")])
                    whose[n] = one.patient
                    found[n] += not one.reason
                    dead.update([n] if one.reason else [])
        journal.close()
        house.close()
        return self._judged(found, dead, whose)

    def _judged(self, found: Mapping[int, int], dead: set[int], whose: Mapping[int, str]) -> Figures:
        stored = {n for n, count in found.items() if count}
        missing = [n for n in self._expected if n not in stored and n not in dead]
        assert not missing, f"{len(missing)} of {len(self._sent)} messages are neither stored nor a dead letter"
        wrong = [n for n, patient in self._expected.items() if whose[n] != patient]
        assert not wrong, f"{len(wrong)} messages are on the wrong patient"
        twice = [n for n in stored if found[n] > 1]
        assert not twice, f"{len(twice)} messages are stored twice"
        return {
            "sent": len(self._sent),
            "stored": len(stored),
            "dead letters": len(dead),
            "of these broken": self._broken // 3 * 3,
            "on the wrong patient": 0,
            "stored twice": 0,
            "killed": "the broker once, the house once",
        }

    # -- who takes part ------------------------------------------------------------------------------------------

    def _broker(self) -> AbstractContextManager[Process]:
        return mosquitto(self._folder / "mosquitto", self._port)

    def _house(self) -> AbstractContextManager[Process]:
        address = f"mqtt://127.0.0.1:{self._port}"
        environ = environment(self._place, self._web, ONMARU_MLLP_HOST="", ONMARU_MQTT=address)
        return ended([sys.executable, "-m", "onmaru.app", "serve"], self._web, environ)


BAD = (
    b'"device":"mon-2"}',
    b'"device":"mon-2","at_us":"now"}',
    b'"device":"mon-2","at_us":1,"values":{}}',
    b'"device":"nobody","at_us":%d}' % (2**59),
    b'"device":',
    b"\xff\xfe\x00",
    b"[" * 500,
    b'"device":"mon-2","at_us":1795438125444150,"values":{"8867-4":"x"}}',
)


def _use(id: str, device: int, patient: str, low: int, high: int) -> dict[str, Any]:
    period = {"start": instant(low), **({"end": instant(high)} if high else {})}
    status = "completed" if high else "active"
    about = {"device": {"reference": f"Device/d{device}"}, "subject": {"reference": f"Patient/{patient}"}}
    return {"resourceType": "DeviceUseStatement", "id": id, "status": status, "timingPeriod": period, **about}


async def _published(port: int, messages: Sequence[bytes]) -> None:
    """Return once the broker has all of them."""
    publisher = Publisher(Broker(f"mqtt://127.0.0.1:{port}", TOPIC, "sender"))
    publisher.start()
    for payload in messages:
        publisher.offer(payload)
    async with asyncio.timeout(120):
        while publisher.waiting:
            await asyncio.sleep(0.05)
    assert not publisher.refused, "the broker takes no more"
    await publisher.stop()


CLAIM = "With broker and house killed, clocks wrong and a device moved, every message is stored once or a dead letter."
PROOFS = (Proof("5.stream", CLAIM, streams, ("requests",)),)
