"""The audit trail: one compact row an access, in a sealed chain beside the log, durable before the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from onmaru.kernel.caller import Caller

Action = Literal[
    "read", "vread", "history", "search", "create", "update", "delete", "erase", "query", "login", "execute"
]


class Access(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One access. `at` is µs since 1970 UTC; `target` is `Type/id`, `Type?query` or a route; `patients` those disclosed."""

    at: int
    user: str
    roles: tuple[str, ...]
    purpose: str
    action: str
    target: str
    patients: tuple[str, ...]
    allowed: bool
    reason: str
    request: str
    address: str


class Trail(Protocol):
    """The reads' chain of one tenant. A write's log entry is its own audit record and is not repeated here."""

    def add(self, access: Access) -> None:
        """Buffer one row; it is durable when the tenant's next group commit is."""

    def page(
        self, *, patient: str = "", user: str = "", since: int = 0, until: int = 2**62, before: int = 0, count: int = 50
    ) -> Sequence[tuple[int, Access]]:
        """Rows newest first as (row number, access), below row number `before` (0: from the end)."""


def access(
    caller: Caller, action: Action, target: str, at: int, *, patients: Sequence[str] = (), denied: str = ""
) -> Access:
    """A row for what `caller` did; `denied` gives the reason of a refusal."""
    return Access(
        at=at,
        user=caller.user,
        roles=tuple(sorted(caller.roles)),
        purpose=caller.purpose,
        action=action,
        target=target,
        patients=tuple(patients),
        allowed=not denied,
        reason=denied or caller.reason,
        request=caller.request,
        address=caller.address,
    )
