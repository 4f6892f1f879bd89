"""What those who run a house look at in the morning, of one tenant: every figure is asked of what does the work.

It tells of the tenant that asks, and of the machine under it; of no other tenant.
"""

from __future__ import annotations

import asyncio
import platform
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from onmaru import __version__
from onmaru.app import noted
from onmaru.app.doorway import Doorway
from onmaru.app.house import MAIN
from onmaru.app.metrics import JOBS, LETTERS, counted, free
from onmaru.app.sbom import built_in, document, installed
from onmaru.app.settings import Chosen
from onmaru.app.subscriptions.stations import Stations
from onmaru.fhir.verbatim import instant

FOLDERS = ("home", "keys", "witness")


class Morning:
    """`parts`: see `Health.parts`. `stations` None where subscriptions do not run."""

    def __init__(
        self,
        doorway: Doorway,
        parts: Callable[[], Mapping[str, str]],
        found: Mapping[str, Chosen],
        stations: Stations | None,
    ) -> None:
        self._doorway, self._parts, self._stations = doorway, parts, stations
        self._running = doorway.running
        self._backup = str(found["backup"].value)
        self._packets = str(found["packet_folder"].value)
        self._minutes = int(found["packet_minutes"].value)

    async def told(self, tenant: str) -> Mapping[str, Any]:
        """The figures of one tenant, JSON-able; what lies on the disk is read in a thread."""
        motion = self._running.motion(tenant)
        disk = await asyncio.to_thread(self._disk, tenant)
        return {
            "version": __version__,
            "python": platform.python_version(),
            "since": instant(self._doorway.since),
            "engine": "home" if self._running.house.store is None else "postgresql",
            "parts": dict(self._parts()),
            "head": motion.seat.home.head(),
            "waiting": motion.seat.home.tip() - motion.seat.home.head(),
            "followers": [{"name": name, "behind": lag, "runs": on} for name, lag, on in motion.followers()],
            "letters": int(counted(motion, LETTERS)),
            "jobs": {state: int(counted(motion, query)) for state, query in JOBS.items()},
            "subscriptions": self._subscriptions(tenant),
            "alarm": bool(self._doorway.alarms(tenant)),
            "witness": round(time.monotonic() - self._running.witnessed),
            **disk,
        }

    def _subscriptions(self, tenant: str) -> Mapping[str, int]:
        runners = self._stations.states(tenant) if self._stations is not None else ()
        return dict(Counter(runners))

    def _disk(self, tenant: str) -> Mapping[str, Any]:
        where = self._running.house.where
        return {
            "folders": [{"name": name, "free": int(free(getattr(where, name)))} for name in FOLDERS],
            "backup": {"set": bool(self._backup), **noted.backup(where.home, tenant)},
            # Packets are the default tenant's alone
            "packets": _packets(self._packets, self._minutes) if tenant == MAIN else None,
        }


def _packets(folder: str, minutes: int) -> Mapping[str, Any]:
    """Whether packets are written, when they were last, and for how many wards."""
    told: dict[str, Any] = {"set": bool(folder), "minutes": minutes, "at": None, "wards": 0}
    if folder:
        place = Path(folder).expanduser()
        index = place / "index.html"
        if index.is_file():
            told["at"] = datetime.fromtimestamp(index.stat().st_mtime, UTC).isoformat(timespec="seconds")
            told["wards"] = sum(1 for _ in place.glob("ward-*.html"))
    return told


@cache
def bill() -> bytes:
    """The software bill of materials of this installation (CycloneDX 1.5, JSON); it stays while the process lives."""
    return msgspec.json.encode(document(sorted({*installed(), *built_in()})))
