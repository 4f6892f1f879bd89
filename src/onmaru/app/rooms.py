"""Which rooms this house has: our own by this list, partners' by the entry point group `onmaru.rooms`; both alike."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onmaru.kernel.room import Room

# name → module whose attribute `room` is the Room. One line a room.
OURS: Mapping[str, str] = {
    "cohort": "onmaru.rooms.cohort",
    "equity": "onmaru.rooms.equity",
    "insight": "onmaru.rooms.insight",
    "journey": "onmaru.rooms.journey",
    "monitor": "onmaru.rooms.monitor",
    "omop": "onmaru.rooms.omop",
    "quality": "onmaru.rooms.quality",
    "remote": "onmaru.rooms.remote",
    "views": "onmaru.rooms.views",
}

GROUP = "onmaru.rooms"


@cache
def known() -> Mapping[str, str]:
    """Every room's name and its `module` or `module:attribute`, without importing any room. Ours win a shared name."""
    if not _any_partner():
        return OURS
    from importlib.metadata import entry_points

    return {**{point.name: point.value for point in entry_points(group=GROUP)}, **OURS}


def _any_partner() -> bool:
    """Whether any installed package names our group: importlib.metadata alone would double the time that help takes."""
    files = (file for folder in sys.path for file in Path(folder).glob("*-info/entry_points.txt"))
    return any(f"[{GROUP}]" in file.read_text("utf-8", errors="replace") for file in files)


def open_room(name: str) -> Room:
    """Import one room. Refuses a module without a Room, or a Room that calls itself otherwise."""
    from onmaru.app.refusal import Refusal
    from onmaru.kernel.room import Room

    module, _, attribute = known()[name].partition(":")
    room = getattr(importlib.import_module(module), attribute or "room", None)
    if not isinstance(room, Room):
        raise Refusal(f"room {name}: {module} has no Room named {attribute or 'room'}")
    if room.name != name:
        raise Refusal(f"room {name}: {module} calls itself {room.name}")
    return room


def all_rooms() -> tuple[Room, ...]:
    """Every room, ordered by name, after checking that each one's needs are provided."""
    rooms = tuple(open_room(name) for name in sorted(known()))
    check_needs(rooms)
    return rooms


def check_needs(rooms: Iterable[Room]) -> None:
    """Refuse a set of rooms in which one needs a data contract that none provides."""
    from onmaru.app.refusal import Refusal

    rooms = tuple(rooms)
    provided = {contract for room in rooms for contract in room.provides}
    for room in rooms:
        for contract in sorted(set(room.needs) - provided):
            raise Refusal(f"room {room.name} needs {contract}, which no room provides")
