"""What a message leaves besides its resources: itself as a DocumentReference, and the Provenance of all it wrote."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from onmaru.adapters.hl7v2 import systems
from onmaru.adapters.hl7v2.er7 import Message
from onmaru.adapters.hl7v2.mapping import Mapped

MESSAGE = "urn:onmaru:message"
DOCUMENT = "urn:uuid:00000000-0000-4000-8002-000000000001"
INLINE = 32 * 1024
Json = dict[str, Any]


def control_number(message: Message, facility: str) -> tuple[str, str, str]:
    """The control id as a number of its sender."""
    sender = "/".join(part for part in (message.msh.c(3), facility) if part)
    return systems.local("control", sender), message.control, ""


def document(message: Message, mapped: Mapped, digest: str, attachment: Json, stamp: str, notes: Sequence[str]) -> Json:
    """The message as a document: its bytes, type, time, and the fields that reached no resource."""
    system, control, _ = control_number(message, mapped.sender.facility)
    kind = "^".join(part for part in (message.type, message.event) if part)
    code = message.event or message.type
    data: Json = {
        "resourceType": "DocumentReference",
        "identifier": [{"system": MESSAGE, "value": digest}, {"system": system, "value": control}],
        "status": "current",
        "type": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0003", "code": code}],
            "text": kind,
        },
        "category": [{"coding": [{"system": "urn:onmaru:document", "code": "message"}]}],
        "content": [{"attachment": attachment}],
    }
    if stamp:
        data["date"] = stamp
    lost = [str(field) for field in mapped.lost]
    extensions = [{"url": "urn:onmaru:unmapped", "valueString": " ".join(lost)}] if lost else []
    extensions += [{"url": "urn:onmaru:note", "valueString": note} for note in notes]
    if extensions:
        data["extension"] = extensions
    return data


def attachment(data: bytes, blob: str, codec: str) -> Json:
    """A short message stands in the document itself, durable with it; a long one lies in the blobs."""
    charset = {"cp949": "euc-kr", "iso8859-1": "iso-8859-1"}.get(codec, codec)
    one: Json = {"contentType": f"x-application/hl7-v2+er7;charset={charset}", "size": len(data)}
    if blob:
        return {**one, "url": f"urn:onmaru:blob:{blob}"}
    return {**one, "data": base64.b64encode(data).decode()}


def provenance(rendered: Json, message: Message, mapped: Mapped, targets: Sequence[str], recorded: str) -> Json:
    """The table's Provenance completed: all resources as targets, the message as source, the sending facility as agent."""
    data = {name: value for name, value in rendered.items() if name not in ("identifier", "target", "recorded")}
    agents = [one for one in data.get("agent", []) if one.get("who")]
    kind = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
    name = message.msh.c(4) or message.msh.c(3) or "unnamed"
    facility = {"system": systems.local("facility", "name"), "value": name}
    agents.insert(
        0,
        {
            "type": {"coding": [{"system": kind, "code": "transmitter"}]},
            "who": {"identifier": facility, "display": name},
        },
    )
    data["target"] = [{"reference": target} for target in targets]
    data["recorded"] = recorded
    data["agent"] = agents
    data["entity"] = [{"role": "source", "what": {"reference": DOCUMENT}}]
    activity = data.get("activity", {}).get("coding", [])
    data["activity"] = {"coding": [one for one in activity if one.get("code")][:1] or [_event(message)]}
    return data


def _event(message: Message) -> Json:
    return {"system": "http://terminology.hl7.org/CodeSystem/v2-0003", "code": message.event or message.type}
