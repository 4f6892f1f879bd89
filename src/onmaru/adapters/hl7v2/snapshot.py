"""v2 snapshot rules on a stored resource: present replaces, absent keeps, null deletes; what is older never overwrites."""

from __future__ import annotations

from typing import Any

from onmaru.adapters.hl7v2.node import other_choice

SAID = "urn:onmaru:said"
_FIXED = {"resourceType", "id", "meta", "contained"}
_CLOSED = {"finished", "cancelled", "entered-in-error"}
# Events that may open a closed visit again (HL7 table 0003): admit, register, cancel discharge
_REOPENS = {"A01", "A04", "A13", "A03", "A11", "A27", "A38"}


class Statement:
    """One message's word on a resource: its elements, those it deletes, those only filled in, and when it was said."""

    def __init__(self, data: dict[str, Any], emptied: list[str], filled: set[str], at: str, event: str) -> None:
        self.data = data
        self.emptied = [name for name in emptied if name not in data]
        self.filled = filled
        self.at = at
        self.event = event
        self.outdated = False
        # Only what registration says moves the time of an unchanged element: a result repeats a name, it does not affirm it
        self.firm = event[:1] in ("A", "P") and data.get("resourceType") in (
            "Patient",
            "Encounter",
            "Account",
            "Coverage",
        )


def first(statement: Statement) -> dict[str, Any]:
    """The resource as the first message about it makes it."""
    data = dict(statement.data)
    if statement.at:
        data["meta"] = {**data.get("meta", {}), "extension": _written({"*": statement.at})}
    return data


def merged(old: dict[str, Any], statement: Statement, later: Any) -> dict[str, Any] | None:
    """The stored resource after the statement, None when it changes nothing. `later(a, b)`: a was said after b."""
    said = _read(old)
    base = said.get("*", "")
    new = dict(old)
    spoke = False
    for name in (*statement.data, *statement.emptied):
        if name in _FIXED or (name in statement.filled and name in old):
            continue
        before = said.get(name, base)
        if before and statement.at and later(before, statement.at):
            statement.outdated = True
            if name in ("identifier",):
                _set(new, name, statement)
            continue
        _set(new, name, statement)
        spoke = spoke or (statement.firm and before != statement.at)
        if statement.at:
            said[name] = statement.at
    _contained(new, statement)
    _visit(old, new, statement)
    if {k: v for k, v in new.items() if k != "meta"} == {k: v for k, v in old.items() if k != "meta"} and not spoke:
        return None
    if statement.at:
        meta = dict(new.get("meta", {}))
        meta["extension"] = [e for e in meta.get("extension", []) if e.get("url") != SAID] + _written(said)
        new["meta"] = meta
    return new


def _contained(new: dict[str, Any], statement: Statement) -> None:
    """Contained resources belong to the elements that refer to them; a new statement's get names of their own."""
    if "contained" in statement.data:
        new["contained"] = statement.data["contained"]
    if "contained" not in new:
        return
    used = _references(new)
    kept = [one for one in new.get("contained", []) if f"#{one.get('id')}" in used]
    if kept:
        new["contained"] = kept
    else:
        new.pop("contained", None)


def _references(value: Any) -> set[str]:
    if isinstance(value, dict):
        found = {value["reference"]} if isinstance(value.get("reference"), str) else set()
        return found.union(*(_references(one) for one in value.values()))
    if isinstance(value, list):
        return set().union(*(_references(one) for one in value)) if value else set()
    return set()


def _set(new: dict[str, Any], name: str, statement: Statement) -> None:
    if name not in statement.data:
        new.pop(name, None)
        return
    value = statement.data[name]
    while other := other_choice(new, name):
        del new[other]
    join = _JOINS.get(name)
    new[name] = join(new.get(name) or [], value, statement.at) if join and isinstance(value, list) else value


def _by(key: Any) -> Any:
    def join(old: list[Any], new: list[Any], at: str) -> list[Any]:
        said = {key(one) for one in new}
        return [*new, *(one for one in old if key(one) not in said)]

    return join


def _numbers(old: list[Any], new: list[Any], at: str) -> list[Any]:
    """Numbers stay, whoever gives them; a new statement of the same number replaces the old one, in its place."""
    stated = {(one.get("system"), one.get("value")): one for one in new}
    kept = [stated.pop((one.get("system"), one.get("value")), one) for one in old]
    return [*kept, *stated.values()]


def _places(old: list[Any], new: list[Any], at: str) -> list[Any]:
    """Beds that the visit has left stay with it as completed."""
    where = {one["location"].get("reference") for one in new}
    left = []
    for one in old:
        if one["location"].get("reference") in where:
            continue
        gone = dict(one)
        if gone.get("status") == "active":
            gone["status"] = "completed"
            if at:
                gone["period"] = {**gone.get("period", {}), "end": at}
        left.append(gone)
    return [*new, *left]


_JOINS: dict[str, Any] = {
    "identifier": _numbers,
    "extension": _by(lambda one: one.get("url")),
    "telecom": _by(lambda one: one.get("use")),
    "link": _by(lambda one: (one.get("other", {}).get("reference"), one.get("type"))),
    "location": _places,
    "result": _by(lambda one: one.get("reference")),
    "supportingInfo": _by(lambda one: one.get("reference")),
    "specimen": _by(lambda one: one.get("reference")),
}


def _visit(old: dict[str, Any], new: dict[str, Any], statement: Statement) -> None:
    """A visit that ended is not opened by a message that only repeats its class."""
    if new.get("resourceType") != "Encounter" or old.get("status") not in _CLOSED:
        return
    if statement.event not in _REOPENS and new.get("status") not in _CLOSED:
        new["status"] = old["status"]


def _read(resource: dict[str, Any]) -> dict[str, str]:
    said: dict[str, str] = {}
    for extension in resource.get("meta", {}).get("extension", []):
        if extension.get("url") == SAID:
            parts = {
                part["url"]: next((v for k, v in part.items() if k != "url"), "") for part in extension["extension"]
            }
            for name in parts.get("elements", "*").split():
                said[name] = parts.get("at", "")
    return said


def _written(said: dict[str, str]) -> list[dict[str, Any]]:
    groups: dict[str, list[str]] = {}
    for name, at in said.items():
        groups.setdefault(at, []).append(name)
    return [
        {
            "url": SAID,
            "extension": [
                {"url": "at", "valueInstant": at},
                {"url": "elements", "valueString": " ".join(sorted(names))},
            ],
        }
        for at, names in sorted(groups.items())
        if at
    ]
