"""How a subscription stands, written into its resource by the house: status and error, every other token as it was."""

from __future__ import annotations

import logging

import msgspec

from onmaru.fhir.outcome import Invalid
from onmaru.kernel.caller import Caller, Scope
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.record import Change
from onmaru.kernel.subscribing import HOUSE, Progress

_OWN = (Scope("system", "Subscription", frozenset("cruds")),)
log = logging.getLogger("onmaru.subscriptions")


def said(tenant: Tenant, id: str, progress: Progress) -> bool:
    """Write how it stands, unless it says so already or its owner has just written another; whether anything was written."""
    found = tenant.index.latest("Subscription", id, tenant.log.tip())
    if found is None or found.body is None or (found.caller != HOUSE and found.version != progress.version):
        return False
    body = standing(found.body, progress)
    if body is None:
        return False
    caller = Caller(tenant.name, HOUSE, frozenset({"system"}), "HOPERAT", _OWN)
    try:
        Chart(tenant, caller).write([Change("update", "Subscription", id, body, if_match=found.version)])
    except Invalid as error:
        log.warning("the status of a subscription was not written: %s", error.issues[0].code)
        return False
    return True


def standing(body: bytes, progress: Progress) -> bytes | None:
    """A Subscription that says how it stands; None where it says so already."""
    found = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    told = dict(found)
    told["status"] = msgspec.Raw(msgspec.json.encode(progress.state))
    told.pop("error", None)
    if progress.error:
        told["error"] = msgspec.Raw(msgspec.json.encode(progress.error))
    changed = {name: bytes(raw) for name, raw in told.items()} != {name: bytes(raw) for name, raw in found.items()}
    return msgspec.json.encode(told) if changed else None
