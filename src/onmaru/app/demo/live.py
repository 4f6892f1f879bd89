"""The demo that goes on: days of the simulated hospital at once, then its events as they happen, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from onmaru import web
from onmaru.app import logs, settings
from onmaru.app.demo import athome
from onmaru.app.demo.agreement import everything
from onmaru.app.demo.ground import MACHINE, Account, accounts, patient_account, prepared, token
from onmaru.app.demo.monitors import Monitors
from onmaru.app.demo.sending import Http, Lines
from onmaru.app.house import MAIN, House, place, system
from onmaru.app.peers import LOOPBACK
from onmaru.app.refusal import USAGE, Refusal
from onmaru.app.serving import Served, ended, served
from onmaru.app.streams.sending import Posts
from onmaru.engines.keyring import write_new
from onmaru.kernel.record import Record
from onmaru.simulate import Event, Settings, hospital

DAY = 86_400.0
# The live part begins this many days ago, so that a fast hospital does not at once write about the day after tomorrow.
BEHIND = 2.0
AHEAD = 365.0
PATIENTS_A_DAY = 12
BEDS = 120
STORY = "simulated.json"
NOTED = 20
_KST = datetime.timezone(datetime.timedelta(hours=9))

Say = Callable[[Mapping[str, Any]], None]


class Wish(msgspec.Struct, frozen=True):
    """What the person at the keyboard asked for. `past` in simulated days; None: the usual."""

    home: Path
    speed: float
    past: float
    seed: int | None
    port: int | None
    mllp_port: int | None


async def live(wish: Wish, say: Say) -> None:
    """Serve the demo until SIGINT or SIGTERM."""
    if not wish.speed > 0 or wish.past < 0:
        raise Refusal("--speed is above 0, --past not below", USAGE)
    logs.begin("text", "warning")
    environ = prepared(wish.home)
    story = _story(wish)
    found = {**settings.load(environ), **_loopback(wish)}
    house = House(place(environ))
    async with served(house, found, LOOPBACK) as standing:
        # Who has left before the accounts were told cannot sign in: that ends the demo. Later it plays on unheard.
        _greet(standing, list(accounts(house.logins)), say)
        say = _unforced(say)
        opened = asyncio.Event()
        sending = asyncio.create_task(_hospital(wish, standing, story, say, opened))
        telling = asyncio.create_task(ended(standing))
        monitors = asyncio.create_task(_monitors(standing, story.seed).run(opened))
        await asyncio.wait([sending, telling], return_when=asyncio.FIRST_COMPLETED)
        for task in (sending, telling, monitors):
            task.cancel()
        await asyncio.gather(sending, telling, monitors, return_exceptions=True)
        if not sending.cancelled():
            sending.result()
    say({"text": "닫았습니다. 보낸 것은 모두 디스크에 있습니다. · Closed; all that was sent is on the disk."})


def _monitors(standing: Served, seed: int) -> Monitors:
    house = standing.running.house
    return Monitors(house, Posts(standing.address, token(house.logins, f"{MACHINE}-monitors", "system")), seed)


def _unforced(say: Say) -> Say:
    """The same, but a line that nobody takes any more (a closed pipe, a terminal that is gone) is dropped."""

    def said(line: Mapping[str, Any]) -> None:
        with contextlib.suppress(OSError):
            say(line)

    return said


def _loopback(wish: Wish) -> Mapping[str, settings.Chosen]:
    here, plain = {"host": "127.0.0.1", "mllp_host": "127.0.0.1"}, {"tls_certificate": "", "tls_key": ""}
    given = {**here, **plain, "port": wish.port, "mllp_port": wish.mllp_port}
    return {name: settings.Chosen(value, "demo") for name, value in given.items() if value is not None}


def _greet(standing: Served, made: list[Account], say: Say) -> None:
    say({"text": "온마루 데모가 열렸습니다. 나오는 사람은 모두 가상입니다."})
    say({"text": "The Onmaru demo is open. Everybody in it is invented."})
    say({"주소 · address": f"{standing.address}/", "HL7 v2 (MLLP)": f"127.0.0.1:{standing.mllp_port}"})
    if not (Path(web.__file__).parent / "static" / "index.html").is_file():
        say({"text": "화면이 아직 없습니다. ./onmaru demo 로 실행하세요. · No pages yet: run ./onmaru demo."})
    say({"text": "계정 · accounts"})
    for one in made:
        _tell(one, say)


def _tell(one: Account, say: Say) -> None:
    say({"text": f"  {one.user:<14} {one.password:<14} {one.name}"})


class Story(msgspec.Struct):
    """Which hospital a demo's home tells of, and how far: a second start goes on with the same people.

    `start`: when it opened (ISO 8601), `began`: when its live part begins (seconds since 1970 UTC), `sent`: events sent.
    """

    seed: int
    start: str
    days: float
    began: float
    sent: int = 0

    def events(self) -> Iterator[Event]:
        """All events from the first one; the same each time."""
        chosen = Settings(start=self.start, beds=BEDS, patients=round(self.days * PATIENTS_A_DAY), interval=0.3)
        return hospital(self.seed, self.days, settings=chosen)

    def keep(self, home: Path) -> None:
        """Note how far it is; what was sent since the last note is sent again, which changes nothing."""
        write_new(home / STORY, msgspec.json.encode(self))


def _story(wish: Wish) -> Story:
    file = wish.home / STORY
    if file.is_file():
        story = msgspec.json.decode(file.read_bytes(), type=Story)
        if wish.seed not in (None, story.seed):
            raise Refusal("this home tells of another seed; name an empty folder: onmaru demo --home FOLDER", USAGE)
        return story
    began = time.time() - BEHIND * DAY
    start = datetime.datetime.fromtimestamp(began - wish.past * DAY, _KST).isoformat(timespec="seconds")
    seed = secrets.randbelow(10**9) if wish.seed is None else wish.seed
    return Story(seed, start, wish.past + AHEAD, began)


async def _hospital(wish: Wish, standing: Served, story: Story, say: Say, live: asyncio.Event) -> None:
    """Send the past at once, then each event when it is due; pass over what an earlier start has sent."""
    house = standing.running.house
    http = Http(int(standing.address.rpartition(":")[2]), token(house.logins, MACHINE, "system"))
    lines = Lines(http, standing.mllp_port)
    say({"text": "지난 며칠을 보내는 중입니다. · Sending the past days."})
    opened: tuple[float, float] | None = None
    try:
        for number, event in enumerate(story.events(), start=1):
            await asyncio.sleep(0)
            if number <= story.sent:
                continue
            at = event.at_us / 1e6
            if opened is None and at > story.began:
                opened = (time.time(), at)
                live.set()
                _patient(house, say)
                await standing.running.durable(MAIN, athome.cared_for(house))
            if opened is not None:
                await asyncio.sleep(_wait(at, opened, wish.speed))
            await lines.send(event)
            story.sent = number
            if number % NOTED == 0:
                story.keep(wish.home)
    finally:
        story.keep(wish.home)
        lines.close()


def _wait(at: float, opened: tuple[float, float], speed: float) -> float:
    """Seconds until an event is due: `speed` times as fast as time, but never before the moment it tells of."""
    now, first = opened
    return max(0.0, max(now + (at - first) / speed, at) - time.time())


def _patient(house: House, say: Say) -> None:
    """Bind the patient's account to whoever has most to show, and tell that the live part begins."""
    bound = _fullest(house.hall(system(MAIN, "demo")).record)
    if bound:
        _tell(patient_account(house.logins, bound), say)
    say({"text": "이제 실시간입니다. 끝내려면 Ctrl-C. · Live now. Ctrl-C ends it."})


def _fullest(record: Record) -> str:
    """The id of the patient with most diagnoses and prescriptions, "" where there is nobody."""
    counts: dict[str, int] = {}
    for type in ("Condition", "MedicationRequest"):
        for one in everything(record, type):
            id = one["subject"]["reference"].split("/")[-1]
            counts[id] = counts.get(id, 0) + 1
    return max(sorted(counts), key=lambda id: counts[id], default="")
