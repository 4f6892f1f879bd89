"""What a message must hold to mean anything (HL7 v2.9 chapter 3.3): to accept one without it would lose what it says."""

from __future__ import annotations

from onmaru.adapters.hl7v2.er7 import Message
from onmaru.adapters.hl7v2.refused import SEQUENCE, Refused

_HEAD = frozenset({"MSH", "SFT", "UAC", "ARV", "EVN"})
_OF_NOBODY = frozenset({"A20"})  # a bed's status: NPU in the place of PID
_MERGES = frozenset({"A18", "A30", *(f"A{number}" for number in (34, 35, 36, *range(39, 52)))})
_PAIRS = frozenset({"A17", "A24", "A37"})


def demand(message: Message) -> None:
    """Raise Refused (AE, 100) at the segment that is missing: nothing behind the header, an ADT without its PID, a merge
    without MRG, a deletion of a visit (A23) without PV1, a swap or link with one patient only."""
    names = [segment.name for segment in message.segments]
    if all(name in _HEAD for name in names):
        raise Refused("AE", SEQUENCE, "nothing follows the header: whom the message is about did not come", "MSH^1")
    if message.type != "ADT" or message.event in _OF_NOBODY:
        return
    for name, count in _needed(message.event):
        if names.count(name) < count:
            raise Refused("AE", SEQUENCE, f"a {name} that this event requires is missing", f"{name}^{count}")


def _needed(event: str) -> list[tuple[str, int]]:
    needed = [("PID", 2 if event in _PAIRS else 1)]
    if event in _MERGES:
        needed.append(("MRG", 1))
    if event == "A23":
        needed.append(("PV1", 1))
    return needed
