"""The audit trail: one compact row an access, in a sealed chain beside the log, durable before the answer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
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
    reason = denied or caller.reason
    return Access(
        at, caller.user, _ordered(caller.roles), caller.purpose, action, target, tuple(patients), not denied, reason,
        caller.request, caller.address,
    )  # fmt: skip


@lru_cache(maxsize=1024)
def _ordered(roles: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(roles))
