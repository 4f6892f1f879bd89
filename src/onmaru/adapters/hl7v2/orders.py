"""What an order's segments are about where its message table does not look: a drug, its result, or the order of a result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onmaru.adapters.hl7v2.er7 import Segment
from onmaru.adapters.hl7v2.walk import Walk

_DRUG = {"RXO", "RXE", "RXG", "RXD", "RXA"}
# HL7 table 0123: a result is there, in part or in full; the others (O, S, I, Y, Z) tell how far the order is
_TOLD = {"A", "C", "F", "M", "N", "P", "R", "X"}
# What a TQ1 can be about
TIMED = frozenset(
    {"ServiceRequest", "MedicationRequest", "MedicationDispense", "MedicationAdministration", "Appointment"}
)
_REPORT, _ORDER = "DiagnosticReport[told]", "ServiceRequest[told]"

Target = list[Any]


def ahead(segments: Sequence[Segment], at: int) -> list[Segment]:
    """The segments of the same order behind `at`: up to the next ORC, or to an OBR after another one."""
    found: list[Segment] = []
    seen = segments[at].name == "OBR"
    for segment in segments[at + 1 :]:
        if segment.name == "ORC" or (segment.name == "OBR" and seen):
            break
        seen = seen or segment.name == "OBR"
        found.append(segment)
    return found


def meant(targets: list[Target], segment: Segment, behind: Sequence[Segment], walk: Walk) -> list[Target]:
    """The targets of an ORC, OBR or NTE as its order means them."""
    kinds = {target[0].split("[")[0] for target in targets}
    if "ServiceRequest" in kinds and _of_drug(segment, behind, walk):
        return [_drug(target) for target in targets]
    if segment.name == "NTE":
        return targets
    request = segment if segment.name == "OBR" else next((one for one in behind if one.name == "OBR"), None)
    if "ServiceRequest" in kinds and "DiagnosticReport" not in kinds and request is not None and _told(request):
        return [*targets, [_REPORT, f"{segment.name}[DiagnosticReport]", []]]
    if "DiagnosticReport" in kinds and "ServiceRequest" not in kinds and _timed(segment, behind, walk):
        return [*targets, [_ORDER, f"{segment.name}[ServiceRequest]", []]]
    return targets


def _of_drug(segment: Segment, behind: Sequence[Segment], walk: Walk) -> bool:
    if segment.name == "ORC":
        return any(one.name in _DRUG for one in behind) and not any(one.name == "OBR" for one in behind)
    return (
        segment.name == "NTE" and walk.known("ServiceRequest") is None and walk.known("MedicationRequest") is not None
    )


def _drug(target: Target) -> Target:
    label, table, references = target
    if not label.startswith("ServiceRequest"):
        return target
    return ["MedicationRequest", table.replace("ORC[ServiceRequest]", "ORC[MedicationRequest]"), references]


def _told(request: Segment) -> bool:
    """An OBR that holds what only a report has: that it is there, when it was given out, or until when was observed."""
    return request.c(25) in _TOLD or bool(request.field(22)) or bool(request.field(8))


def _timed(segment: Segment, behind: Sequence[Segment], walk: Walk) -> bool:
    """Whether the order of a result says when and how often it was to be done."""
    request = segment if segment.name == "OBR" else next((one for one in behind if one.name == "OBR"), None)
    asked = request is not None and bool(request.field(6) or request.field(27))
    asked = asked or (bool(segment.field(7)) if segment.name == "ORC" else walk.known("ServiceRequest") is not None)
    return asked or any(one.name == "TQ1" for one in behind)
