"""What an IAM says of an allergy beyond its table: whether it stands (IAM-6, 17) and of what kind it is (IAM-9)."""

from __future__ import annotations

from onmaru.adapters.hl7v2.er7 import Segment
from onmaru.adapters.hl7v2.node import Node
from onmaru.adapters.hl7v2.values import Sender

_VERIFICATION = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
# HL7 table 0438 as in the R4 package: C confirmed or verified, E erroneous, I confirmed but inactive, U unconfirmed. What
# is pending, suspect or doubtful has no equal in R4 and is kept as it came
_VERIFIED = {"C": "confirmed", "I": "confirmed", "U": "unconfirmed", "E": "entered-in-error"}
# HL7 table 0436: AL allergy, IN intolerance
_TYPE = {"AL": "allergy", "IN": "intolerance"}


def iam(node: Node, segment: Segment, sender: Sender) -> set[int]:
    """The fields that found their place. R4 wants no clinical status where the allergy was entered in error (ait-2)."""
    done = set()
    state = _VERIFIED.get(segment.c(17))
    if state:
        node.data["verificationStatus"] = {"coding": [{"system": _VERIFICATION, "code": state}]}
        node.data.pop("clinicalStatus", None)
        done.add(17)
        if state != "entered-in-error":
            code = "inactive" if segment.c(17) == "I" else "active"
            node.data["clinicalStatus"] = {"coding": [{"system": _CLINICAL, "code": code}]}
    if segment.c(6) == "D":  # HL7 table 0206: the sender takes it back
        node.data["verificationStatus"] = {"coding": [{"system": _VERIFICATION, "code": "entered-in-error"}]}
        node.data.pop("clinicalStatus", None)
    if segment.c(6) in ("A", "U", "D", "X"):
        done.add(6)
    kind = _TYPE.get(segment.c(9))
    if kind:
        node.data.setdefault("type", kind)
        done.add(9)
    return done
