"""Pure: what one version says that alerts turn on. A version's facts replace those of the version before it, as rows do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from onmaru.kernel.log import Version
from onmaru.rooms.monitor.alerts.alert import Alert, read
from onmaru.rooms.monitor.limits import Limit
from onmaru.rooms.monitor.projection import moment, rows
from onmaru.rooms.monitor.reading import Reading, decimal
from onmaru.rooms.monitor.stream.summary import SYSTEM

TYPES = frozenset({"Observation", "Procedure", "ServiceRequest", "Task"})
OURS = f'"{SYSTEM}"'.encode()
LIMIT = "urn:onmaru:monitor:limit"
# A patient's own limit is looked at again after so long, whatever its order says
LONGEST_LIMIT = 7 * 24 * 3600 * 1_000_000


class Facts(msgspec.Struct, frozen=True):
    """`busy`: a procedure is under way; `minute`: what a stream made of one, which the next minute takes the place of."""

    patient: str
    readings: tuple[Reading, ...] = ()
    busy: bool = False
    limit: Limit | None = None
    alert: Alert | None = None
    minute: bool = False


NONE = Facts("")


def facts(version: Version) -> Facts:
    """The facts of a version; none for a deletion, for what does not count and for what is of no one patient."""
    if version.body is None or version.type not in TYPES:
        return NONE
    if version.type == "Observation":
        found = list(rows(version.body))
        taken = (Reading(row.values[0], row.values[2], row.values[3], row.values[1], version.name) for row in found)
        return Facts(found[0].patient, tuple(taken), minute=OURS in version.body) if found else NONE
    body = msgspec.json.decode(version.body)
    if version.type == "Task":
        alert = read(body)
        return Facts(alert.patient, alert=alert) if alert else NONE
    patient = str((body.get("subject") or {}).get("reference") or "").removeprefix("Patient/")
    if version.type == "Procedure":
        return Facts(patient, busy=True) if body.get("status") == "in-progress" else NONE
    limit = _limit(body)
    return Facts(patient, limit=limit) if limit else NONE


def _limit(body: Mapping[str, Any]) -> Limit | None:
    """An active order whose code is a rule's, with a quantity, a start and an end: a limit without an end is none."""
    codings = (body.get("code") or {}).get("coding") or []
    rule = next((str(one.get("code", "")) for one in codings if one.get("system") == LIMIT), "")
    period = body.get("occurrencePeriod") or {}
    end = moment({"effectiveDateTime": period.get("end", "")})
    value = decimal(str((body.get("quantityQuantity") or {}).get("value", "")))
    start = moment({"effectiveDateTime": period.get("start", "")})
    if not rule or body.get("status") != "active" or start is None or end is None or value is None:
        return None
    return Limit(rule, int(value), start, min(end, start + LONGEST_LIMIT))
