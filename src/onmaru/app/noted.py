"""What the backup command notes in the home for who looks in the morning: the last point, the last proof, what was wrong.

It tells and proves nothing: whoever doubts it asks the repository (`onmaru backup list`, `onmaru backup verify`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from onmaru.engines.keyring import write_new

FILE = "backups.json"


class Point(msgspec.Struct, frozen=True):
    """One point of a backup: when it was made, and where the log then stood."""

    at: str
    position: int


class Noted(msgspec.Struct, frozen=True):
    """`last` was written last, `proved` is the last one that was restored and held; `wrong`: why a later one did not."""

    last: Point | None = None
    proved: Point | None = None
    wrong: str = ""


def _read(home: Path) -> dict[str, Noted]:
    try:
        return msgspec.json.decode((home / FILE).read_bytes(), type=dict[str, Noted])
    except (FileNotFoundError, msgspec.MsgspecError):
        return {}


def backup(home: Path, tenant: str) -> Mapping[str, Any]:
    """What is noted of a tenant's backups, JSON-able."""
    found: dict[str, Any] = msgspec.to_builtins(_read(home).get(tenant, Noted()))
    return found


def note(home: Path, said: Mapping[str, Any]) -> None:
    """Note what a run or a proof printed: `tenant`, `at`, `position`, and `proved` with `wrong` where it was tried."""
    kept, tenant = _read(home), str(said["tenant"])
    point, before = Point(str(said["at"]), int(said["position"])), kept.get(tenant, Noted())
    last = point if before.last is None or before.last.at <= point.at else before.last
    good = said.get("proved")
    if good is None:
        now = Noted(last, before.proved, before.wrong)
    elif good:
        newer = before.proved is None or before.proved.at <= point.at
        now = Noted(last, point if newer else before.proved)
    else:
        now = Noted(last, before.proved, str(said.get("wrong", "not as it was written")))
    write_new(home / FILE, msgspec.json.encode({**kept, tenant: now}))
