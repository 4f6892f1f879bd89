"""The Subscribing door: who a subscription acts for, how far each has come, and what the record asks before it takes one.

Its one law: a subscription acts with its owner's rights as they are at that moment, and never with more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from onmaru.kernel.caller import Caller
from onmaru.kernel.log import Draft, Version

State = Literal["requested", "active", "error", "off"]
# Types that the door is shown: Subscriptions, and the Basics among which their topics are
WATCHED = frozenset({"Subscription", "Basic"})
# Events of one subscription that can be asked for again by number
KEPT = 10_000
# Under this name the house writes a subscription's status
HOUSE = "subscriptions"


class Owner(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whose rights: the grant that wrote version `version` of the Subscription, and what it was when it did.

    `grant` is the keyed hash of its secret; `client`, `family`, `scopes` and `patient` as kernel/accounts.py says.
    """

    version: int
    user: str
    grant: bytes
    purpose: str = ""
    client: str = ""
    family: str = ""
    scopes: str = ""
    patient: str = ""


class Progress(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far a subscription has come: every version up to position `t` was looked at for it.

    `version`: of the Subscription as it is served. `number`: the last event number given, `sent` the last one known to
    have been received. `failures`: in a row. `since`: µs since 1970 UTC of the first of them.
    """

    version: int
    t: int
    number: int = 0
    sent: int = 0
    state: State = "requested"
    error: str = ""
    failures: int = 0
    since: int = 0


class Ledger(Protocol):
    """Where both are kept, of one tenant; a save is durable when it returns. Calls may come from any thread."""

    def rows(self) -> Sequence[tuple[str, Owner]]:
        """Every subscription's id and owner."""

    def row(self, id: str) -> tuple[Owner | None, Progress | None]:
        """Whose one is and how far it has come."""

    def own(self, id: str, owner: Owner | None) -> None:
        """Keep whose it is from now on; None: nobody's, and all about it is forgotten."""

    def keep(self, rows: Sequence[tuple[str, Progress]], events: Sequence[tuple[str, int, int]] = ()) -> None:
        """Save how far some have come, and events as (id, number, position), all in one step."""

    def events(self, id: str, since: int, until: int, count: int) -> Sequence[tuple[int, int]]:
        """(number, position) of the events numbered since … until that are still known, at most `count`."""

    def lead(self) -> bool:
        """Whether this worker is the one that serves the tenant's subscriptions, from now on perhaps."""

    def close(self) -> None: ...


class Watch(Protocol):
    """What a Chart shows before and after it writes one of WATCHED."""

    def judge(self, caller: Caller, draft: Draft) -> None:
        """`Invalid` 422 for a Subscription or topic that could never fire."""

    def took(self, caller: Caller, version: Version) -> None:
        """Take note of who wrote it, the moment it is appended."""


class Unwatched:
    """A house in which nothing is subscribed to: resources are kept and do nothing."""

    def judge(self, caller: Caller, draft: Draft) -> None:
        """Takes everything."""

    def took(self, caller: Caller, version: Version) -> None:
        """Notes nothing."""
