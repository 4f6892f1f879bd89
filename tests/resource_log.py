"""A log of small resources for the resource tables' tests, and what stood on it at any position: the oracle."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from columnar_log import KEY, Recorded
from onmaru.engines.duck.nested.followed import FollowedResources, Resources
from onmaru.engines.duck.tables import ColumnarTables
from onmaru.kernel.gate import ALL, Sight
from onmaru.kernel.lake import View

STANDING = View("standing", 'SELECT id, _version, _t, status FROM "Observation" ORDER BY id', ("Observation",))


def observation(id: str, status: str = "final", of: str = "p1", **more: Any) -> dict[str, Any]:
    subject = {"subject": {"reference": f"Patient/{of}"}} if of else {}
    return {"resourceType": "Observation", "id": id, "status": status, "code": {"text": "x"}, **subject, **more}


def tables(folder: Any) -> ColumnarTables:
    return ColumnarTables(folder, KEY, [Resources()])


def nested(store: ColumnarTables) -> FollowedResources:
    found = store._followed["resources"]
    assert isinstance(found, FollowedResources)
    return found


def follow(store: ColumnarTables, log: Recorded, sizes: Iterable[int] = ()) -> None:
    waiting = list(sizes)
    while store.catch_up(store.projections[0], log, waiting.pop(0) if waiting else 1000):  # type: ignore[arg-type]
        pass


def rows(store: ColumnarTables, t: int | None = None, sight: Sight = ALL, view: View = STANDING) -> list[Any]:
    return [tuple(row.values()) for row in store.query(view, {}, sight, t).to_pylist()]


def stood(log: Recorded, t: int) -> list[tuple[str, int, int, str]]:
    """What the log says of a position: the newest version of each resource, unless that is a deletion or was erased."""
    newest = {version.name: version for version in log.versions[:t] if version.type == "Observation"}
    found = [(one.id, one.version, one.t, one.body) for one in newest.values() if one.body is not None]
    return sorted((id, version, at, msgspec.json.decode(body)["status"]) for id, version, at, body in found)
