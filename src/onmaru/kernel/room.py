"""The Room door: what one folder under `rooms` offers the hall. A room talks to other rooms only through the chart."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, Protocol

import msgspec

from onmaru.kernel import scope
from onmaru.kernel.blobs import Blobs
from onmaru.kernel.caller import Caller, Role, Scope
from onmaru.kernel.derivation import Derivation
from onmaru.kernel.jobs import Jobs
from onmaru.kernel.lake import Lake, View
from onmaru.kernel.log import Version
from onmaru.kernel.outbound import Letter, Push
from onmaru.kernel.projection import Projection
from onmaru.kernel.record import Record
from onmaru.kernel.rules import Rules


class Hall(msgspec.Struct, frozen=True):
    """The doors, bound to one Caller (narrowed to the room's scopes) for one request, command or job.

    `memory`: what a running house keeps in this process for the room, by name; nothing that is not on the disk as well.
    `roles`: those that a user of the tenant holds now; none for one who is disabled or not there.
    """

    caller: Caller
    record: Record
    lake: Lake
    blobs: Blobs
    jobs: Jobs
    settings: Mapping[str, Any]
    language: Literal["ko", "en"] = "ko"
    rules: Rules = Rules()
    memory: Mapping[str, Any] = {}
    roles: Callable[[str], frozenset[Role]] = lambda user: frozenset()


class Request(msgspec.Struct, frozen=True):
    """One HTTP request. `path` begins below the room, `params` are the `{name}` parts of the Route's path."""

    method: str
    path: str
    params: Mapping[str, str]
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes


class Response(msgspec.Struct, frozen=True):
    """`body` iterable: parts are drawn one by one between other requests and may use the Hall; asynchronous, where a part
    has to be waited for. `body` callable: long computing such as drawing a PDF, run in a worker thread, where the Hall must
    not be touched.
    """

    status: int
    body: bytes | Iterable[bytes] | AsyncIterator[bytes] | Callable[[], bytes]
    type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


class Route(msgspec.Struct, frozen=True):
    """`path` below `/t/TENANT/rooms/NAME` (`/rooms/NAME` for the default tenant) with `{name}` parts.

    `scope`: the SMART v2 scope a Caller must hold, such as `user/Patient.rs`.
    """

    method: str
    path: str
    scope: str
    handler: Callable[[Request, Hall], Response]


class Command(msgspec.Struct, frozen=True):
    """`onmaru ROOM NAME ARGS`: `run(hall, args, say)` returns the exit status; `say` prints one JSON-able line."""

    name: str
    help: str
    args: tuple[tuple[str, str], ...]
    scope: str
    run: Callable[[Hall, Mapping[str, str], Callable[[Mapping[str, Any]], None]], int]


class Setting(msgspec.Struct, frozen=True):
    """A choice of the operator's: `[room.NAME]` in the settings file. The default's type is the setting's type."""

    name: str
    default: Any
    help: str


class Work(msgspec.Struct, frozen=True):
    """A reaction: runs a claimed Job of `kind`."""

    kind: str
    run: Callable[[Hall, Mapping[str, str]], None]


class Reactor(Protocol):
    """What a reaction keeps of one tenant while the house runs. All calls come from the tenant's home thread.

    Versions recorded after `learns` (µs) are given to it again when the house opens.
    """

    @property
    def learns(self) -> int: ...

    def take(self, versions: Sequence[Version]) -> None:
        """Durable versions in log order, each once."""

    def act(self, hall: Hall, now: int) -> Sequence[Letter | Push]:
        """Write what is due by `now` (µs), each change under an id of its cause; what to send once that is durable."""


class Reaction(msgspec.Struct, frozen=True):
    """What a room does of itself because of what was written and of time that passed. `begin(hall, now)`: of one tenant."""

    name: str
    types: frozenset[str]
    begin: Callable[[Hall, int], Reactor]


class Room(msgspec.Struct, frozen=True):
    """What a room is made of. `needs` and `provides` name data contracts; `scopes` bound every Hall it is given."""

    name: str
    projections: tuple[Projection, ...] = ()
    derivations: tuple[Derivation, ...] = ()
    routes: tuple[Route, ...] = ()
    commands: tuple[Command, ...] = ()
    jobs: tuple[Work, ...] = ()
    reactions: tuple[Reaction, ...] = ()
    views: tuple[View, ...] = ()
    settings: tuple[Setting, ...] = ()
    needs: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()


def narrowed(caller: Caller, room: Room) -> Caller:
    """The caller as a room gets it: what both hold, so that a room reaches no further than it declares."""
    return msgspec.structs.replace(caller, scopes=_both(caller.scopes, room.scopes))


@lru_cache(maxsize=256)
def _both(held: tuple[Scope, ...], declared: tuple[str, ...]) -> tuple[Scope, ...]:
    return scope.narrow(held, scope.parse(" ".join(declared)))
