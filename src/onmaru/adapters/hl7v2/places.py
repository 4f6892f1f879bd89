"""v2 data types that name a person, an organization, a place or a thing: each makes a resource of its own, as a Node."""

from __future__ import annotations

from collections.abc import Callable

from onmaru.adapters.hl7v2 import systems, values
from onmaru.adapters.hl7v2.er7 import Repetition
from onmaru.adapters.hl7v2.node import Node
from onmaru.adapters.hl7v2.values import Sender


def practitioner(rep: Repetition, sender: Sender) -> Node | None:
    """XCN, and CNN inside an NDL (sub-components of the first component)."""
    if rep.delimiters.subcomponent in (rep.parts[0] if rep.parts else ""):
        rep = rep.sub(1)
        system = systems.of_authority(rep.c(9), rep.c(10), rep.c(11), sender.facility)
        kind = ""
    else:
        system, kind = values.authority(rep, 9, sender), rep.c(13)
    node = Node("Practitioner")
    if rep.c(1):
        node.data["identifier"] = [values.identifier(rep.c(1), system, kind)]
    name = values.name_at(rep, 2, sender, rep.c(10) if len(rep.c(10)) <= 4 else "", "", "")
    if name:
        node.data["name"] = [name]
    return node if node.data else None


def organization(rep: Repetition, kind: str, sender: Sender) -> Node | None:
    node = Node("Organization")
    if kind == "HD":
        name = rep.c(1) or rep.c(2)
        if name:
            node.data["name"] = name
            node.data["identifier"] = [values.identifier(name, local_or_oid(rep))]
        return node if node.data else None
    if kind == "CWE":
        name, value = rep.c(2) or rep.c(1), rep.c(1) if rep.c(2) else ""
        system = systems.of_code(rep.c(3), rep.c(14)) or systems.local("id", sender.facility)
    else:
        name, value = rep.c(1), rep.c(10) or rep.c(3)
        system = values.authority(rep, 6, sender)
    if name:
        node.data["name"] = name
    if value:
        node.data["identifier"] = [values.identifier(value, system, rep.c(7) if kind == "XON" else "")]
    return node if node.data else None


def local_or_oid(rep: Repetition) -> str:
    """Facilities are numbered among themselves."""
    return systems.local("facility", "name") if not rep.c(2) else systems.of_authority("", rep.c(2), rep.c(3), "")


# Physical types of the table PL[Location], from the widest to the narrowest
_LEVELS = ((4, "si"), (7, "bu"), (8, "lvl"), (1, "wa"), (2, "ro"), (3, "bd"))


def location(rep: Repetition, sender: Sender) -> Node | None:
    """PL: a chain of Locations, the narrowest first, each part of the next wider. Numbers count within their parents."""
    above: Node | None = None
    path: list[str] = []
    for component, kind in _LEVELS:
        name = rep.c(component)
        if not name:
            continue
        path.append(name)
        node = Node("Location")
        node.data["identifier"] = [values.identifier("/".join(path), systems.local("location", sender.facility))]
        node.data["status"] = "active"
        node.data["name"] = name
        node.data["mode"] = "instance"
        physical = "http://terminology.hl7.org/CodeSystem/location-physical-type"
        node.data["physicalType"] = {"coding": [{"system": physical, "code": kind}]}
        if above is not None:
            node.data["partOf"] = above
        above = node
    if above is not None and rep.c(9):
        above.data["description"] = rep.c(9)
    return above


def plain_location(rep: Repetition, kind: str, sender: Sender) -> Node | None:
    """HD, CWE, XON and DLD: a place known by one name."""
    value, name = rep.c(1), rep.c(2) if kind == "CWE" else rep.c(1)
    if not (value or name):
        return None
    node = Node("Location")
    if value:
        node.data["identifier"] = [values.identifier(value, systems.local("location", sender.facility))]
    node.data["name"] = name or value
    return node


def device(rep: Repetition, kind: str, sender: Sender) -> Node | None:
    one = values.ei(rep, sender) if kind == "EI" else values.plain_identifier(rep, sender)
    if one is None:
        return None
    node = Node("Device")
    node.data["identifier"] = [one]
    if kind in ("HD", "CWE"):
        node.data["deviceName"] = [{"name": rep.c(2) if kind == "CWE" and rep.c(2) else rep.c(1), "type": "other"}]
    return node


def related_person(rep: Repetition, kind: str, sender: Sender) -> Node | None:
    node = Node("RelatedPerson")
    name = values.human_name(rep, sender) if kind == "XPN" else values.name_at(rep, 2, sender, "", "", "")
    if name:
        node.data["name"] = [name]
    return node if node.data else None


def numbered(type: str, rep: Repetition, sender: Sender) -> Node | None:
    """A resource that the message only names by number."""
    one = values.ei(rep, sender)
    if one is None:
        return None
    node = Node(type)
    node.data["identifier"] = [one]
    return node


_PLACES: dict[str, Callable[[Repetition, str, Sender], Node | None]] = {
    "Practitioner": lambda rep, kind, sender: practitioner(rep, sender),
    "PractitionerRole": lambda rep, kind, sender: practitioner(rep, sender),
    "Organization": organization,
    "Device": device,
    "RelatedPerson": related_person,
    "Location": lambda rep, kind, sender: (
        location(rep, sender) if kind in ("PL", "NDL") else plain_location(rep, kind, sender)
    ),
}


def resource(type: str, rep: Repetition, kind: str, sender: Sender) -> Node | None:
    maker = _PLACES.get(type)
    return maker(rep, kind, sender) if maker else None
