"""What the house keeps of each tenant beside its record: whether it is open, its limits, and how it left.

Its one law: whoever runs the house decides it, never a tenant's own users.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

State = Literal["open", "suspended", "destroying", "destroyed"]
# The tenant of those who run the house: its admins keep all others, and its trail tells what was done to them
HOUSE = "house"


class Limits(msgspec.Struct, frozen=True):
    """What a tenant may use; 0: without limit. `resources` that live, `blobs` in bytes, requests a second and at a time."""

    resources: int = 0
    blobs: int = 0
    rate: int = 0
    at_once: int = 0


class Exported(msgspec.Struct, frozen=True):
    """The last whole export: when, and where the log stood. `log` is the seal of that position in hex."""

    at: int
    t: int
    log: str


class Tenancy(msgspec.Struct, frozen=True):
    """One tenant. `at`, `by` and `reason` tell of the last change of `state`; times are µs since 1970 UTC.

    `keeps`: its admins keep the house, which is said when it is made. `transferred`: to whom its records were handed over,
    as was stated when it was destroyed. `entries` and `seal` are where its log then stood.
    """

    tenant: str
    state: State = "open"
    at: int = 0
    by: str = ""
    reason: str = ""
    keeps: bool = False
    limits: Limits = Limits()
    exported: Exported | None = None
    transferred: str = ""
    entries: int = 0
    seal: str = ""


class Act(msgspec.Struct, frozen=True):
    """One thing to be done to a tenant: add, suspend, resume, limit, export or destroy.

    `again`: the name typed again; `transferred`: to whom the records were handed over; `limits`: those that change;
    `exported`: where the log stood that was written whole, None when it is about to be.
    """

    what: str
    tenant: str
    reason: str = ""
    again: str = ""
    transferred: str = ""
    limits: Mapping[str, int] = {}
    exported: Exported | None = None


class Bringing(msgspec.Struct, frozen=True):
    """A whole export to make a tenant of. `folder` below the home; `key` in hex, "" where the files are in clear."""

    tenant: str
    folder: str
    key: str = ""
    reason: str = ""
