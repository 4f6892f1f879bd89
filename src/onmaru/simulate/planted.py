"""Faults of content planted into a simulated feed, which a receiver takes without a murmur: only checks can find them.

Each is planted into messages that say so in the ledger: by kind of fault the control numbers (MSH-10) that bear it.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final

from msgspec.structs import replace

from onmaru.simulate.faults import Event

Segments = list[list[str]]
# One message in so many of those that could bear a fault, and at least one
SHARE = 25
# So many results of a code are needed before its usual unit can be told
USUAL = 40
SHIFTS: Final = (datetime.timedelta(days=40), datetime.timedelta(days=-400))
SEX, MRN, WARD, VISIT = 8, 3, 3, 19
CONTROL = 9
OBSERVED: Final = {"OBX": 14, "OBR": 7}
NUMBERS: Final = {"ORC": (2, 3), "OBR": (2, 3)}


def plant(events: Sequence[Event], seed: int) -> tuple[list[Event], Mapping[str, set[str]]]:
    """The feed with faults in it, and the ledger. The same arguments give the same bytes.

    units: two units of a report exchanged. dates: a report dated 40 days late or 400 early. feed: a report sent again under
    another number, every other time under other order numbers too. wards: a stay of whose ward no message tells. sex: a
    message that tells the other sex, before another that tells the right one.
    """
    made = _Planter(events, seed)
    made.wards()
    for name, change in (("units", _units), ("dates", _dates(made.rng)), ("sex", _sex)):
        made.reports(name, change)
    made.feed()
    return made.events, made.ledger


class _Planter:
    def __init__(self, events: Sequence[Event], seed: int) -> None:
        self.rng = Random(f"{seed}/planted")
        self.events = list(events)
        self.ledger: dict[str, set[str]] = {name: set() for name in ("units", "dates", "feed", "wards", "sex")}
        sound = [(place, _read(one.payload)) for place, one in enumerate(self.events) if one.channel == "hl7v2"]
        self._sound = [(place, read) for place, read in sound if len(read) > 2 and _named(read)]
        sizes = Counter(_control(read) for _, read in self._sound)
        # A number that came twice was repeated or came broken before: none of these bears a fault of ours
        self._alone = [(place, read) for place, read in self._sound if sizes[_control(read)] == 1]
        codes = Counter(_code(line) for _, read in self._sound for line in read if line[0] == "OBX")
        self._usual = {code for code, number in codes.items() if number >= USUAL}
        self._taken: set[int] = set()

    def reports(self, name: str, change: Callable[[Segments], bool]) -> None:
        """Plant a fault into reports of results that are not their patient's last message."""
        last = {_mrn(read): place for place, read in self._sound}
        can = [(place, read) for place, read in self._alone if self._report(read) and last[_mrn(read)] != place]
        self.rng.shuffle(can)
        wanted = max(1, len(can) // SHARE)
        for place, read in can:
            if place not in self._taken and change(read):
                self._put(name, place, read)
                wanted -= 1
            if not wanted:
                return

    def wards(self) -> None:
        """Take the ward out of all messages about some stays."""
        stays = sorted({_visit(read) for _, read in self._sound if _class(read) == "I" and _visit(read)})
        for visit in self.rng.sample(stays, max(1, len(stays) // 5)):
            for place, read in self._sound:
                if _visit(read) == visit:
                    _segment(read, "PV1")[WARD] = ""
                    self._put("wards", place, read)

    def feed(self) -> None:
        """Send some reports again at once."""
        can = [(place, read) for place, read in self._alone if self._report(read) and place not in self._taken]
        chosen = sorted(self.rng.sample(can, max(2, len(can) // SHARE)), key=lambda one: one[0])
        for number, (place, read) in reversed(list(enumerate(chosen))):
            again = [list(line) for line in read]
            again[0][CONTROL] = f"AGAIN{number}"
            if number % 2:
                _renumber(again)
            event = self.events[place]
            self.events.insert(place + 1, replace(event, payload=_written(again)))
            self.ledger["feed"].add(_control(again))

    def _report(self, read: Segments) -> bool:
        found = [line for line in read if line[0] == "OBX" and line[2] == "NM"]
        return bool(found) and all(_code(line) in self._usual for line in found)

    def _put(self, name: str, place: int, read: Segments) -> None:
        self._taken.add(place)
        self.events[place] = replace(self.events[place], payload=_written(read))
        self.ledger[name].add(_control(read))


def _units(read: Segments) -> bool:
    lines = [line for line in read if line[0] == "OBX" and line[2] == "NM"]
    other = next((line for line in lines if line[6] != lines[0][6] and line[6] and lines[0][6]), None)
    if other is None:
        return False
    lines[0][6], other[6] = other[6], lines[0][6]
    return True


def _dates(rng: Random) -> Callable[[Segments], bool]:
    def shifted(read: Segments) -> bool:
        by, done = rng.choice(SHIFTS), False
        for line in read:
            field = OBSERVED.get(line[0])
            if field is not None and len(line) > field and len(line[field]) >= 14:
                at = datetime.datetime.strptime(line[field][:14], "%Y%m%d%H%M%S") + by  # noqa: DTZ007 - its offset stays
                line[field] = f"{at:%Y%m%d%H%M%S}{line[field][14:]}"
                done = True
        return done

    return shifted


def _sex(read: Segments) -> bool:
    line = _segment(read, "PID")
    if len(line) <= SEX or line[SEX] not in ("M", "F"):
        return False
    line[SEX] = "F" if line[SEX] == "M" else "M"
    return True


def _renumber(read: Segments) -> None:
    for line in read:
        for field in NUMBERS.get(line[0], ()):
            if len(line) > field and line[field]:
                line[field] = f"D{line[field]}"


def _read(payload: bytes) -> Segments:
    """Segments as fields. Bytes are kept as they are: no character set here has a delimiter within a character."""
    return [line.split("|") for line in payload.decode("latin-1").split("\r") if line]


def _written(read: Segments) -> bytes:
    return "\r".join(["|".join(line) for line in read] + [""]).encode("latin-1")


def _segment(read: Segments, name: str) -> list[str]:
    return next((line for line in read if line[0] == name), [])


def _field(read: Segments, name: str, field: int) -> str:
    line = _segment(read, name)
    return line[field] if len(line) > field else ""


def _named(read: Segments) -> bool:
    return len(read[0]) > CONTROL and bool(_mrn(read))


def _control(read: Segments) -> str:
    return read[0][CONTROL]


def _mrn(read: Segments) -> str:
    return _field(read, "PID", MRN)


def _visit(read: Segments) -> str:
    return _field(read, "PV1", VISIT)


def _class(read: Segments) -> str:
    return _field(read, "PV1", 2)


def _code(line: list[str]) -> str:
    return line[3].partition("^")[0] if len(line) > 3 else ""
