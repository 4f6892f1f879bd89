"""Proof of issue 5's streams: broker and house killed, a clock an hour wrong, a device moved, broken messages by number.

What was sent is looked for by its number in the journal and in the dead letters of the house as it lies on the disk.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
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
from onmaru.kernel.accounts import User
from onmaru.kernel.record import Change
from onmaru.rooms.monitor.live import SECOND
from onmaru.rooms.monitor.stream.summary import instant

DEVICES, ROUNDS, BROKEN = 20, 60, 2_000
HOUR = 3600 * SECOND
TOPIC = "onmaru/stream/proof"
# Seconds within which the screen has to tell
PATIENCE = 20.0


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
        self._token = ""
        self._sent: list[bytes] = []
        self._expected: dict[int, str] = {}

    def run(self) -> Figures:
        """Send everything, with both killed in between, and count what the house holds afterwards."""
        self._furnish()
        with self._broker() as broker, self._house() as house:
            # A broker keeps nothing for a house that it has not met
            self._until("the feed is live", lambda seen: _feeds(seen) in ({"live"}, {"silent"}))
            self._send(0, ROUNDS // 3)
            broker.send_signal(signal.SIGKILL)
            broker.wait()
            self._until("the feed is down", lambda seen: _feeds(seen) == {"down"})
        with self._broker(), self._house() as house:
            self._send(ROUNDS // 3, 2 * ROUNDS // 3)
            house.send_signal(signal.SIGKILL)
            house.wait()
            self._send(2 * ROUNDS // 3, ROUNDS, wait=False)
            with self._house():
                self._settled()
                self._shown()
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
        for n in range(DEVICES):
            made += _lies(n, began - HOUR)
        made.append(_use("moved", 0, f"p{DEVICES}", self._moved, 0))
        changes = [Change("update", str(m["resourceType"]), str(m["id"]), json.dumps(m).encode()) for m in made]
        house.seat(MAIN).home.wait(house.hall(system(MAIN)).record.write(changes)[-1].version.t)
        user = User(MAIN, "wall", "wall", ("nurse",))
        house.logins.keep_user(user)
        self._token, _ = house.logins.issue(user, "")
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

    # -- what is seen --------------------------------------------------------------------------------------------

    def _shown(self) -> None:
        """The screen tells of a wrong clock, of a device that says another bed than the chart, and of a silence."""
        first, wrong = len(self._sent), now() + HOUR
        for device, said in ((1, {"at_us": wrong}), (2, {"at_us": now(), "bed": "b3"}), (4, {"at_us": now()})):
            number = len(self._sent)
            self._expected[number] = "p4" if device == 4 else ""
            values = {"8867-4": [61, "/min"]}
            self._sent.append(json.dumps({"n": number, "device": f"mon-{device}", **said, "values": values}).encode())
        asyncio.run(_published(self._port, self._sent[first:]))
        wanted = {
            "b1": ("mon-1", "clock"),
            "b2": ("mon-2", "ambiguous"),
            "b3": ("mon-2", "ambiguous"),
            "b4": ("mon-4", "live"),
        }
        self._until("every bed tells what is the matter", lambda seen: wanted.items() <= _states(seen))
        self._until("a silent device is silent", lambda seen: ("b4", ("mon-4", "silent")) in _states(seen))

    def _until(self, what: str, true: Callable[[Any], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not true(self._live()):
            assert time.monotonic() < deadline, f"not on the screen: {what}"
            time.sleep(0.2)

    def _live(self) -> Any:
        line = http.client.HTTPConnection("127.0.0.1", self._web, timeout=60)
        line.request("GET", "/rooms/monitor/live", headers={"Authorization": f"Bearer {self._token}"})
        said = json.loads(line.getresponse().read())
        line.close()
        return said

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
            "on the screen": "feed down, clock wrong, device of two beds, silent device",
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


def _feeds(seen: Any) -> set[str]:
    """The states of all feeds; none while the streams have yet to begin."""
    return {one["state"] for one in seen.get("feeds", ())}


def _states(seen: Any) -> set[tuple[str, tuple[str, str]]]:
    """Bed, device and its state."""
    beds = (bed for ward in seen["wards"] for bed in ward["beds"])
    return {(bed["id"], (one["id"], one["state"])) for bed in beds for one in bed["devices"]}


def _lies(n: int, low: int) -> list[dict[str, Any]]:
    """Patient n in bed n."""
    kind, where = {"coding": [{"code": "bd"}]}, {"location": {"reference": f"Location/b{n}"}, "status": "active"}
    stay = {"status": "in-progress", "class": {"code": "IMP"}, "period": {"start": instant(low)}, "location": [where]}
    return [
        {"resourceType": "Location", "id": f"b{n}", "name": f"{n}", "physicalType": kind},
        {"resourceType": "Encounter", "id": f"e{n}", "subject": {"reference": f"Patient/p{n}"}, **stay},
    ]


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


CLAIM = (
    "With broker and house killed, clocks wrong, a device moved, each message is stored once or a letter, and shown."
)
PROOFS = (Proof("5.stream", CLAIM, streams, ("requests",)),)
