"""What a door says of a file or message that it took: the Source it came from and the Receipt that answers it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

Ack = Literal["AA", "AE", "AR"]


def _nothing() -> None:
    """A door on an engine that makes every write durable at once has nothing to wait for."""


class Source(msgspec.Struct, frozen=True):
    """Where bytes come from. `door` is its kind (mllp, file, web), `name` the peer or file, never a person.

    `format` "" lets the content tell; `zone` fills in for times without one; `settle` returns once all earlier writes of
    the tenant are durable and so visible to searches. `promised` is the id that other entries of the same file were told an
    entry would have. `lines`: how many lines of a file are together here, 0 where they are not told apart.
    """

    door: str = "file"
    name: str = ""
    format: str = ""
    zone: str = "+09:00"
    settle: Callable[[], None] = _nothing
    promised: str = ""
    lines: int = 0


class Receipt(msgspec.Struct):
    """The outcome for one message or file. `position` is the last one written (0: nothing): durable means up to there.

    `accepted`, `rejected` and `dead` count messages (v2) or entries (FHIR); `reason`, `code` and `location` tell why the
    first one was not taken; `control` and `reply` are the v2 message's control id and acknowledgement. `warnings` are the
    places (SEG^sequence^field) of what was taken, but only as it came.
    """

    ack: Ack = "AA"
    accepted: int = 0
    rejected: int = 0
    dead: int = 0
    created: list[str] = []
    updated: list[str] = []
    by_type: dict[str, int] = {}
    reason: str = ""
    code: str = ""
    location: str = ""
    control: str = ""
    position: int = 0
    duplicate: bool = False
    reply: bytes = b""
    letters: list[str] = []
    warnings: list[str] = []

    def add(self, other: Receipt) -> None:
        """Count another receipt in; the first refusal's reason stays."""
        self.accepted += other.accepted
        self.rejected += other.rejected
        self.dead += other.dead
        self.created += other.created
        self.updated += other.updated
        self.letters += other.letters
        self.warnings += other.warnings
        for name, number in other.by_type.items():
            self.by_type[name] = self.by_type.get(name, 0) + number
        self.position = max(self.position, other.position)
        if other.ack != "AA" and self.ack == "AA":
            self.ack, self.reason, self.code, self.location = other.ack, other.reason, other.code, other.location
        self.reply += other.reply
