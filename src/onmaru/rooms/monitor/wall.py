"""GET live and POST stream: the beds that the caller may see, this second, and a device's way in without a broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from onmaru.fhir.outcome import Invalid, invalid
from onmaru.kernel.lake import Script
from onmaru.kernel.room import Hall, Request, Response
from onmaru.rooms.monitor import views
from onmaru.rooms.monitor.board import Board, Sender
from onmaru.rooms.monitor.live import SECOND, SILENT, STALE, Live, aged

# Seconds until a sign of life, and until it is asked anew who may be seen
SIGN, ASKED_ANEW = 5.0, 15.0
# Seconds after which a stream ends and its page comes again, with what it may then still see
ENDS = 60.0
# In a tenant's memory: it is going to have streams
BEGINNING = "beginning"
# In a tenant's memory: the way in for messages
TAKE = "take"
# Messages that one request brings; each waits for itself
LINES = 10_000
NO_STORE = (("Cache-Control", "no-store"),)
Take = Callable[[bytes], Awaitable[str | None]]


class Bed(NamedTuple):
    """Who lies where, as far as the caller may see it."""

    patient: str
    encounter: str
    bed: str
    bed_name: str
    ward: str
    ward_name: str


def live(request: Request, hall: Hall) -> Response:
    """Everything that is known of every bed this second; docs/rooms/monitor.md has its form.

    404 where nothing streams, 503 until it does.
    """
    board, now = board_of(hall), time.time_ns() // 1000
    senders = board.senders_of()
    wards: dict[str, dict[str, Any]] = {}
    for bed in here(request, hall):
        ward = wards.setdefault(bed.ward, {"id": bed.ward, "name": bed.ward_name, "beds": []})
        ward["beds"].append(shown(bed, board, senders, now))
    body = {"at": now, "seq": board.seq, "wards": list(wards.values()), **sources(board, senders, now)}
    return Response(200, msgspec.json.encode(body), headers=NO_STORE)


def events(request: Request, hall: Hall) -> Response:
    """The same as server-sent events: whole beds that changed, soon after they did, and a sign of life in between."""
    return Response(200, _events(request, hall, board_of(hall)), "text/event-stream", NO_STORE)


def stream(request: Request, hall: Hall) -> Response:
    """Take one message, or one a line of NDJSON; `{"fates": [...]}` once all of them are on the disk.

    A line's fate is stored, duplicate, dead, or null where it could not be kept and has to be sent again.
    """
    # What a device says is written in the house's own name, so only a system's account may speak for devices
    hall.lake.script(Script("monitor-stream", (), (), (), secondary=False, system=True))
    take: Take | None = hall.memory.get(TAKE)
    if take is None:
        raise _absent(hall)
    if request.body.count(b"\n") > LINES:
        raise invalid("too-long", f"at most {LINES} messages at a time", status=413)
    messages = [line for line in request.body.split(b"\n") if line.strip()]
    return Response(200, _taken(take, messages))


async def _taken(take: Take, messages: Sequence[bytes]) -> AsyncIterator[bytes]:
    yield msgspec.json.encode({"fates": await asyncio.gather(*(take(one) for one in messages))})


def board_of(hall: Hall) -> Board:
    """What is known of everybody this second; 404 where nothing streams, 503 until it does."""
    board: Board | None = hall.memory.get("board")
    if board is None:
        raise _absent(hall)
    return board


def _absent(hall: Hall) -> Invalid:
    """A tenant without streams has none; one whose streams are about to begin is asked again."""
    if BEGINNING in hall.memory:
        return invalid("transient", "streams are about to begin here", status=503)
    return invalid("not-supported", "no streams are taken for this tenant", status=404)


def here(request: Request, hall: Hall) -> Sequence[Bed]:
    """Who lies where, of the `ward` and `patient` that are asked for, as far as the caller may see."""
    asked: dict[str, str] = {}
    for name, text in request.query:
        if name not in ("ward", "patient") or name in asked:
            raise invalid("value", "unknown parameter, or given twice", name)
        asked[name] = text
    rows = hall.lake.query(views.BEDS, {}).table.to_pylist()
    found = [Bed(**{name: row[name] or "" for name in Bed._fields}) for row in rows]
    return [one for one in found if all(getattr(one, name) == text for name, text in asked.items())]


async def _events(request: Request, hall: Hall, board: Board) -> AsyncIterator[bytes]:
    seq, beds = 0, {one.patient: one for one in here(request, hall)}
    began = asked = time.monotonic()
    yield b"retry: 200\n\n"
    while not board.ended and time.monotonic() - began < ENDS:
        if time.monotonic() - asked > ASKED_ANEW:
            beds, asked = {one.patient: one for one in here(request, hall)}, time.monotonic()
        now = time.time_ns() // 1000
        changed, senders = [one for one in board.changed(seq) if one in beds], board.senders_of()
        seq = board.seq
        if changed:
            some = [_drawn(beds[one], board, senders, now) for one in changed]
            data = {"at": now, "seq": seq, "beds": some, **sources(board, senders, now)}
            yield b"id: %d\nevent: live\ndata: %s\n\n" % (seq, msgspec.json.encode(data))
        else:
            yield b"event: clock\ndata: %s\n\n" % msgspec.json.encode({"at": now})
        try:
            async with asyncio.timeout(SIGN):
                await board.moved(seq)
        except TimeoutError:
            continue


def _drawn(bed: Bed, board: Board, senders: Mapping[str, Sequence[Sender]], now: int) -> msgspec.Raw:
    """One bed, encoded once for all pages that hear of the same change."""
    key = bed, board.changed_at(bed.patient), now // SECOND
    held = board.drawn.get(bed.patient)
    if held is None or held[0] != key:
        held = board.drawn[bed.patient] = key, msgspec.Raw(msgspec.json.encode(shown(bed, board, senders, now)))
    return held[1]


def shown(bed: Bed, board: Board, senders: Mapping[str, Sequence[Sender]], now: int) -> dict[str, Any]:
    """One bed as the wall takes it."""
    state = board.states.get(bed.patient) or Live(bed.patient)
    numerics = [
        {
            "measure": one.measure, "value": one.value, "unit": one.unit, "at": one.at, "received": one.received,
            "interval": one.interval, "state": aged(one, now), "flag": one.flag, "device": one.device,
        }
        for one in sorted(state.newest.values(), key=lambda one: one.measure)
    ]  # fmt: skip
    ages = {one["state"] for one in numerics if one["interval"]}
    whole = next((age for age in ("live", "stale", "gone") if age in ages), "none")
    waves = board.waves.get(bed.patient, {})
    return {
        "id": bed.bed,
        "name": bed.bed_name,
        "patient": bed.patient,
        "encounter": bed.encounter,
        "state": whole,
        "devices": [
            {"id": one.id, "state": _matter(one, now), "last": one.last} for one in senders.get(bed.patient, ())
        ],
        "numerics": numerics,
        "waves": [
            {"measure": name, "unit": one.wave.unit, "hz": one.wave.hz, "at": one.at, "samples": one.wave.samples}
            for name, one in sorted(waves.items())
        ],
        "news2": _score(state),
    }


def _score(state: Live) -> dict[str, Any] | None:
    found = state.news2
    if found is None or not state.newest:
        return None
    names = ("name", "state", "points", "least", "most")
    parts = [dict(zip(names, part, strict=True)) for part in found.parts]
    whole = {"total": found.total, "least": found.least, "most": found.most, "level": found.level}
    return {**whole, "leastLevel": found.least_level, "scale": state.scale, "parts": parts}


def _matter(one: Sender, now: int) -> str:
    silent = now - one.last > max(STALE * one.interval, SILENT)
    return one.matter or ("silent" if silent else "live")


def sources(board: Board, senders: Mapping[str, Sequence[Sender]], now: int) -> dict[str, Any]:
    """Feeds, and the devices of the chart that speak and are at nobody's bed."""
    nobodys = [{"id": one.id, "state": _matter(one, now), "last": one.last} for one in senders.get("", ()) if one.known]
    return {"feeds": _feeds(board, now), "devices": nobodys}


def _feeds(board: Board, now: int) -> list[dict[str, Any]]:
    found = []
    for feed in board.feeds.values():
        silent = feed.state == "live" and now - feed.last > 10 * SECOND
        found.append({**msgspec.structs.asdict(feed), "state": "silent" if silent else feed.state})
    return found
