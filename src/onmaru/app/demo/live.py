"""The demo that goes on: days of the simulated hospital at once, then its events as they happen, until Ctrl-C."""

from __future__ import annotations

import asyncio
import datetime
import logging
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from onmaru import web
from onmaru.app import settings
from onmaru.app.demo.agreement import everything
from onmaru.app.demo.ground import MACHINE, Account, accounts, patient_account, prepared, token
from onmaru.app.demo.sending import Http, Lines
from onmaru.app.house import MAIN, House, place, system
from onmaru.app.peers import LOOPBACK
from onmaru.app.refusal import USAGE, Refusal
from onmaru.app.serving import Served, ended, served
from onmaru.kernel.record import Record
from onmaru.simulate import Event, Settings, hospital

DAY = 86_400.0
# The live part begins this many days ago, so that a fast hospital does not at once write about the day after tomorrow.
BEHIND = 2.0
AHEAD = 365.0
PATIENTS_A_DAY = 12
BEDS = 120
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
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    environ = prepared(wish.home)
    found = {**settings.load(environ), **_loopback(wish)}
    house = House(place(environ))
    async with served(house, found, LOOPBACK) as standing:
        _greet(standing, list(accounts(house.logins)), say)
        sending = asyncio.create_task(_hospital(wish, standing, say))
        telling = asyncio.create_task(ended(standing))
        await asyncio.wait([sending, telling], return_when=asyncio.FIRST_COMPLETED)
        for task in (sending, telling):
            task.cancel()
        await asyncio.gather(sending, telling, return_exceptions=True)
        if sending.done() and not sending.cancelled() and sending.exception() is not None:
            raise sending.exception()  # type: ignore[misc]
    say({"text": "닫았습니다. 보낸 것은 모두 디스크에 있습니다. · Closed; all that was sent is on the disk."})


def _loopback(wish: Wish) -> Mapping[str, settings.Chosen]:
    given = {"host": "127.0.0.1", "mllp_host": "127.0.0.1", "port": wish.port, "mllp_port": wish.mllp_port}
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


async def _hospital(wish: Wish, standing: Served, say: Say) -> None:
    """Send the past at once, then each event when it is due."""
    house = standing.running.house
    http = Http(int(standing.address.rpartition(":")[2]), token(house.logins, MACHINE, "system"))
    lines = Lines(http, standing.mllp_port)
    began = time.time() - BEHIND * DAY
    say({"text": f"지난 {wish.past:g}일을 보내는 중입니다. · Sending the past {wish.past:g} days."})
    told = False
    try:
        for event in _events(wish, began):
            if not told and event.at_us > began * 1e6:
                told = True
                _patient(house, say)
            await asyncio.sleep(_wait(event, began, wish.speed) if told else 0)
            await lines.send(event)
    finally:
        lines.close()


def _events(wish: Wish, began: float) -> Iterator[Event]:
    """A hospital that has been open for `past` days when the live part begins, and goes on for a year."""
    days = wish.past + AHEAD
    start = datetime.datetime.fromtimestamp(began - wish.past * DAY, _KST).isoformat(timespec="seconds")
    chosen = Settings(start=start, beds=BEDS, patients=round(days * PATIENTS_A_DAY), interval=0.3)
    seed = secrets.randbelow(10**9) if wish.seed is None else wish.seed
    return hospital(seed, days, settings=chosen)


def _wait(event: Event, began: float, speed: float) -> float:
    """Seconds until an event is due: `speed` times as fast as time, but never before the moment it tells of."""
    at = event.at_us / 1e6
    due = max(_opened(began) + (at - began) / speed, at)
    return max(0.0, due - time.time())


def _opened(began: float) -> float:
    return began + BEHIND * DAY


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
