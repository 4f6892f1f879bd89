"""From Nodes to drafts of resources: which stand alone, which are contained or only displayed, and who refers to whom."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from onmaru.adapters.hl7v2 import identity
from onmaru.adapters.hl7v2.context import Known, Stale
from onmaru.adapters.hl7v2.node import Node, prune
from onmaru.kernel.log import Version


class Draft(msgspec.Struct):
    """A resource to be written: `numbers` or else `key` find it in the record; `emptied` elements are deleted.

    `holder` is the order or report whose number is part of the key: where that is new, this is new. `version`: what stands
    and is not changed. `heard`: what is said of it, remembered with a head.
    """

    name: str
    type: str
    data: dict[str, Any]
    numbers: list[tuple[str, str, str]]
    key: str
    emptied: list[str]
    filled: set[str]
    holder: str = ""
    version: Version | None = None
    heard: Any = None


_NODES = (Node, Known)
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


class Emitter:
    """Turns the Nodes of one message into Drafts; `message` is the message's digest."""

    def __init__(self, nodes: list[Node], message: str) -> None:
        self.message = message
        self.order: list[Node] = []
        self.same: dict[tuple[str, str, str], Node] = {}
        self.into: dict[int, Node] = {}
        self.names: dict[int, str] = {}
        self.top = {id(node) for node in nodes}
        self.referring: dict[int, set[str]] = {}
        self.whole: set[int] = set()
        self.runs: dict[int, tuple[int, int]] = {}
        for node in nodes:
            start = len(self.order)
            if type(node) is Known:
                self._stand(node)
            else:
                self._gather(node)
            self.runs[id(node)] = (start, len(self.order))

    def _gather(self, node: Node) -> None:
        """Collect the node and everything it refers to; resources with the same number become one."""
        if id(node) in self.into:
            return
        self.into[id(node)] = node
        for name, value in node.data.items():
            held = _nodes_in(value)
            if held:
                self.referring.setdefault(id(node), set()).add(name)
            for below in held:
                below.above.append(node)
                self._gather(below)
        numbers = [(node.type, system, value) for system, value, _ in identity.strong(node)]
        known = next((self.same[number] for number in numbers if number in self.same), None)
        if known is not None:
            known.absorb(node)
            self.into[id(node)] = known
            self.whole.add(id(known))
            return
        self.same.update(dict.fromkeys(numbers, node))
        if id(node) in self.top or numbers:
            self.order.append(node)

    def _stand(self, node: Known) -> None:
        """A remembered resource stands; one of the same number before it would have taken its place."""
        for system, value, _ in node.standing.numbers:
            if (node.type, system, value) in self.same:
                raise Stale
            self.same[(node.type, system, value)] = node
        self.into[id(node)] = node
        self.order.append(node)

    def drafts(self) -> list[Draft]:
        for at, node in enumerate(self.order):
            if type(node) is Known and node.standing.heard is None:
                self.names[id(node)] = node.standing.version.name
            else:
                self.names[id(node)] = f"urn:uuid:00000000-0000-4000-8000-{at + 1:012x}"
        made = []
        seen: set[str] = set()
        for at, node in enumerate(self.order):
            if type(node) is Known:
                made.append(self._known(node))
                continue
            inside: list[dict[str, Any]] = []
            data = {"resourceType": node.type, **self._elements(node, inside)}
            if inside:
                data = {
                    "resourceType": node.type,
                    "contained": inside,
                    **{k: v for k, v in data.items() if k != "resourceType"},
                }
            numbers = identity.strong(node)
            key = (
                "" if numbers or node.type in ("MessageHeader", "Provenance") else identity.key(node, self.message, at)
            )
            while key and key in seen:
                key = identity.key(Node(node.type), key, at)
            seen.add(key)
            if key:
                data["identifier"] = [*data.get("identifier", []), {"system": identity.KEY, "value": key}]
            made.append(
                Draft(
                    self.names[id(node)],
                    node.type,
                    data,
                    numbers,
                    key,
                    sorted(node.emptied),
                    node.filled,
                    self._holder(node),
                )
            )
        return made

    def _known(self, node: Known) -> Draft:
        stands = node.standing
        version = stands.version if stands.heard is None else None
        return Draft(self.names[id(node)], node.type, {}, stands.numbers, "", [], set(), "", version, stands.heard)

    def _holder(self, node: Node) -> str:
        holder = identity.holder(node) if node.type == "Observation" else None
        return self.names.get(id(holder), "") if holder is not None and not identity.numbers(node) else ""

    def _elements(self, node: Node, inside: list[dict[str, Any]]) -> dict[str, Any]:
        """A resource's elements; in one that was finished, only those that refer to others have to be gone through."""
        if id(node) not in self.top or id(node) in self.whole or node.type == "Provenance":
            return self._render(node.data, inside) or {}
        referring = self.referring.get(id(node), ())
        made = {n: self._render(value, inside) if n in referring else value for n, value in node.data.items()}
        return {name: value for name, value in made.items() if value is not None}

    def _render(self, value: Any, inside: list[dict[str, Any]]) -> Any:
        kind = type(value)
        if kind is dict:
            members = {}
            for name, one in value.items():
                inner = one if type(one) is str else self._render(one, inside)
                if inner is not None:
                    members[name] = inner
            return members or None
        if kind is list:
            return [inner for one in value if (inner := self._render(one, inside)) is not None] or None
        return self._reference(value, inside) if kind in _NODES else value

    def _reference(self, node: Node, inside: list[dict[str, Any]]) -> dict[str, Any] | None:
        node = self.into.get(id(node), node)
        if id(node) in self.names:
            return _named({"reference": self.names[id(node)]}, node)
        if node.type == "PractitionerRole" and not set(node.data) - {"practitioner", "code"}:
            inner = node.data.get("practitioner")
            return self._reference(inner, inside) if isinstance(inner, Node) else None
        if node.type == "PractitionerRole" and not set(node.data) - {"organization", "code"}:
            inner = node.data.get("organization")
            return self._reference(inner, inside) if isinstance(inner, Node) else None
        shown = _display(node)
        if shown and set(node.data) <= {"name", "mode", "status", "physicalType", "deviceName"}:
            return {"display": shown}
        body = prune(self._render(node.data, inside))
        if not body:
            return None
        label = f"c{len(inside) + 1}"
        inside.append({"resourceType": node.type, "id": label, **body, **_required(node)})
        return _named({"reference": f"#{label}"}, node)


def _required(node: Node) -> dict[str, Any]:
    """What R4 requires of a contained resource and the message does not say."""
    if node.type == "Organization" and not {"name", "identifier"} & node.data.keys():
        return {"_name": {"extension": [{"url": _ABSENT, "valueCode": "unknown"}]}}  # org-1
    if node.type == "RelatedPerson" and "patient" not in node.data:
        return {"patient": {"display": "the patient of this resource"}}
    return {}


def _nodes_in(value: Any) -> list[Node]:
    found: list[Node] = []
    _collect(value, found)
    return found


def _collect(value: Any, found: list[Node]) -> None:
    kind = type(value)
    if kind is dict:
        for one in value.values():
            if type(one) is not str:
                _collect(one, found)
    elif kind is list:
        for one in value:
            if type(one) is not str:
                _collect(one, found)
    elif kind in _NODES:
        found.append(value)


# A Korean name is written family name first and without a space
_HANGUL = re.compile("[가-힣]+")


def _display(node: Node) -> str:
    name = node.data.get("name")
    if isinstance(name, str):
        return name
    if isinstance(name, list) and name and isinstance(name[0], dict):
        one = name[0]
        family, given = one.get("family", ""), one.get("given", [])
        if _HANGUL.fullmatch(family):
            return " ".join([family + "".join(given), *one.get("prefix", [])])
        return " ".join([*one.get("prefix", []), *given, *([family] if family else [])])
    device = node.data.get("deviceName")
    return str(device[0].get("name", "")) if device else ""


def _named(reference: dict[str, Any], node: Node) -> dict[str, Any]:
    """References to people and places carry their name, so that a page needs no second look."""
    if node.type in ("Practitioner", "Organization", "Location", "RelatedPerson", "Device") and _display(node):
        reference["display"] = _display(node)
    return reference
