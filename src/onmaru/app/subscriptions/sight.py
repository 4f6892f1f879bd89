"""What a subscription's owner may see at this moment, asked of the one gate for each event, before it is told."""

from __future__ import annotations

from collections.abc import Sequence

from onmaru.app.subscriptions.firing import looks_back
from onmaru.fhir.subscriptions.notification import Told
from onmaru.fhir.subscriptions.topic import Topic
from onmaru.kernel.caller import Caller
from onmaru.kernel.chart import Tenant
from onmaru.kernel.log import Version


class Eyes:
    """One Caller's sight of events, at the durable head. `patients` gathers whom what was told is about."""

    def __init__(self, tenant: Tenant, caller: Caller) -> None:
        self._tenant = tenant
        self.caller = caller
        self._read = tenant.gate.sight(caller, "r")
        self._search = tenant.gate.sight(caller, "s")
        self.patients: set[str] = set()

    def shows(self, t: int, topic: Topic | None = None) -> bool:
        """Whether the version at `t` may be told: both it and how the resource stands now must be seen.

        Of a deletion what stood before must be; so must it where the topic compares the two.
        """
        index, head = self._tenant.index, self._tenant.log.head()
        (version,) = index.touched(t - 1, t)
        if not version.type or version.op == "erase" or not self._permitted(version.type):
            return False
        before = index.numbered(version.type, version.id, version.version - 1, head) if version.version > 1 else None
        if version.body is None:
            return before is not None and before.body is not None and self._seen(before)
        newest = index.latest(version.type, version.id, head)
        if newest is None or newest.op == "erase":
            return False
        if newest.t != t and newest.body is not None and not self._seen(newest):
            return False
        if (
            before is not None
            and before.body is not None
            and looks_back(topic, version.type)
            and not self._seen(before)
        ):
            return False
        return self._seen(version)

    def told(self, batch: Sequence[tuple[int, int]]) -> list[Told]:
        """Those of a batch that may be told now, with their content; what is deleted by now has none."""
        index, head = self._tenant.index, self._tenant.log.head()
        found = []
        for number, t in batch:
            if not self.shows(t):
                continue
            (version,) = index.touched(t - 1, t)
            newest = index.latest(version.type, version.id, head)
            gone = newest is None or newest.body is None
            self.patients.update(index.compartments(version).named)
            found.append(_told(number, version, gone, self._made(version)))
        return found

    def _made(self, version: Version) -> bool:
        """Whether the version made the resource, anew perhaps."""
        if version.version == 1:
            return True
        index = self._tenant.index
        before = index.numbered(version.type, version.id, version.version - 1, version.t)
        return before is None or before.body is None

    def _permitted(self, type_name: str) -> bool:
        gate = self._tenant.gate
        return not gate.refusal(self.caller, "r", type_name) and not gate.refusal(self.caller, "s", type_name)

    def _seen(self, version: Version) -> bool:
        index = self._tenant.index
        whose = index.compartments(version)
        return all(sight.shows(version, whose, index.keys) for sight in (self._read, self._search))


def _told(number: int, version: Version, gone: bool, made: bool) -> Told:
    if version.body is None:
        return Told(number, version.at, version.name, "delete")
    return Told(number, version.at, version.name, "create" if made else "update", None if gone else version.body)
