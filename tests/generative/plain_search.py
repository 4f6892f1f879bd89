"""A slow second opinion on extraction: the same expressions evaluated on plain dicts, step by step, and keyed again.

It shares only the parsed tree with the product: no Struct, no generated code, no key rule.
"""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from onmaru.fhir.query import Parameter
from onmaru.fhir.search import expression as tree

MIN, MAX = -(2**62), 2**62
# Parameters of kind token whose elements are strings: they compare without case.
FOLDED = {
    "altid", "base-path", "contact", "fhirversion", "lot-number", "monitoring-program-name", "path", "site",
    "source-cost", "version",
}  # fmt: skip
CONTACT = {"phone", "fax", "email", "pager", "url", "sms", "other"}
Json = dict[str, Any]
Row = tuple[Any, ...]


parsed = cache(tree.parse_expression)


class Item(NamedTuple):
    """A value and, where it came from a choice, the type that its name says."""

    value: Any
    type: str = ""


def evaluate(node: tree.Node, item: Item, resource: Json) -> list[Item]:
    """FHIRPath on one context item."""
    match node:
        case tree.Literal(value):
            return [Item(value)]
        case tree.Name("%resource"):
            return [Item(resource)]
        case tree.Name(name) if name[0].isupper():
            return [Item(resource)] if name in (resource["resourceType"], "Resource", "DomainResource") else []
        case tree.Name(name):
            return list(members(item, name))
        case tree.Member(of, name):
            return [one for found in evaluate(of, item, resource) for one in members(found, name)]
        case tree.Index(of, number):
            return evaluate(of, item, resource)[number : number + 1]
        case tree.Cast(of, type):
            return [one for one in evaluate(of, item, resource) if one.type.lower() == type.lower()]
        case tree.Either(of):
            return [one for branch in of for one in evaluate(branch, item, resource)]
        case _:
            return call(node, item, resource)


def call(node: tree.Node, item: Item, resource: Json) -> list[Item]:
    """Functions and operators that give booleans, `where` and `extension`."""
    match node:
        case tree.Call(of, "where", condition) if of and condition:
            found = evaluate(of, item, resource)
            return [one for one in found if evaluate(condition, one, resource) == [Item(True)]]
        case tree.Call(of, "extension", tree.Literal(url)) if of:
            found = [one for each in evaluate(of, item, resource) for one in members(each, "extension")]
            return [one for one in found if one.value.get("url") == url]
        case tree.Call(None, "hasExtension", tree.Literal(url)):
            return [Item(any(one.value.get("url") == url for one in members(item, "extension")))]
        case tree.Call(of, "exists", None) if of:
            return [Item(bool(evaluate(of, item, resource)))]
        case tree.Is(tree.Call(None, "resolve", None), type):
            return [Item(kind_of(item.value) == type)]
        case tree.Equal(left, right, same):
            sides = [evaluate(side, item, resource) for side in (left, right)]
            return [Item((sides[0][0].value == sides[1][0].value) == same)] if all(sides) else []
        case tree.Both(left, right):
            return [Item(all(evaluate(side, item, resource) == [Item(True)] for side in (left, right)))]
    raise AssertionError(f"no rule for {node}")


def members(item: Item, name: str) -> Iterator[Item]:
    """An element by name, or the one member of a choice."""
    if not isinstance(item.value, dict):
        return
    found = {key: "" for key in item.value if key == name} or {
        key: key[len(name) :] for key in item.value if key.startswith(name) and key[len(name)].isupper()
    }
    for key, type in found.items():
        value = item.value[key]
        yield from (Item(one, type) for one in (value if isinstance(value, list) else [value]) if one is not None)


def kind_of(reference: Json) -> str:
    """What `resolve()` would find, told by the reference itself."""
    text = reference.get("reference", "")
    parts = text.partition("/_history/")[0].split("/")
    if not text.startswith(("#", "urn:")) and len(parts) >= 2 and parts[-2][:1].isupper():
        return str(parts[-2])
    return str(reference.get("type", ""))


def rows(parameter: Parameter, expression: str, components: tuple[str, ...], resource: Json) -> Counter[Row]:
    """(list name, row without sp) of every key that the parameter should give."""
    found = evaluate(parsed(expression), Item(resource), resource)
    if parameter.kind == "composite":
        return Counter(row for one in found for row in composite(parameter, components, one, resource))
    if parameter.kind == "reference":
        found = [one for one in found if not wrong_embedded(one.value, parameter)]
    made = [row for one in found for row in keyed(parameter.kind, one)]
    if parameter.kind == "token" and parameter.code in FOLDED:
        made = [(*row[:2], row[2].casefold()) if row[0] == "token" else row for row in made]
    return Counter(made)


def wrong_embedded(value: Any, parameter: Parameter) -> bool:
    """A resource in a Bundle that the parameter does not point at, or that has no id to point at."""
    if not isinstance(value, dict) or "resourceType" not in value:
        return False
    return value["resourceType"] not in parameter.targets or "id" not in value


def composite(parameter: Parameter, components: tuple[str, ...], item: Item, resource: Json) -> Iterator[Row]:
    parts: list[frozenset[tuple[Row, int]]] = []
    for component, text in zip(parameter.components, components, strict=True):
        found = evaluate(parsed(text), item, resource)
        parts.append(frozenset(Counter(row for one in found for row in keyed(component.kind, one)).items()))
    if all(parts):
        yield ("composite", tuple(parts))


def keyed(kind: str, item: Item) -> Iterator[Row]:
    """Rows of one value. An Extension stands for its value."""
    if isinstance(item.value, dict) and "url" in item.value and any(key.startswith("value") for key in item.value):
        for one in members(item, "value"):
            yield from keyed(kind, one)
        return
    yield from {
        "token": token, "reference": reference, "uri": uri, "string": string,
        "date": date, "number": number, "quantity": quantity,
    }[kind](item.value, item.type)  # fmt: skip


def token(value: Any, type: str) -> Iterator[Row]:
    if isinstance(value, bool):
        yield ("token", "", str(value).lower())
    elif isinstance(value, str):
        yield ("token", "", value)
    elif "coding" in value or ("text" in value and "value" not in value):
        for one in value.get("coding", []):
            yield from coding(one, value.get("text"))
        if "text" in value:
            yield ("text", value["text"])
    elif "value" in value and value.get("system") in CONTACT:
        yield ("token", "", value["value"].casefold())
    elif "code" in value or "display" in value:
        yield from coding(value, None)
    else:
        yield from identifier(value)


def coding(value: Json, text: str | None) -> Iterator[Row]:
    if "code" in value:
        yield ("token", value.get("system", ""), value["code"])
    if "display" in value and value["display"] != text:
        yield ("text", value["display"])


def identifier(value: Json) -> Iterator[Row]:
    if "value" in value:
        yield ("token", value.get("system", ""), value["value"])
    if "text" in value.get("type", {}):
        yield ("text", value["type"]["text"])
    for one in value.get("type", {}).get("coding", []) if "value" in value else []:
        if "code" in one:
            yield ("typed", one.get("system", ""), one["code"], value["value"])


def reference(value: Any, type: str) -> Iterator[Row]:
    if isinstance(value, str):
        yield from target(value)
        if "|" in value:
            yield from target(value.split("|")[0])
    elif "resourceType" in value:
        yield ("reference", value["resourceType"], value["id"])
    elif "reference" in value or "identifier" in value:
        yield from target(value.get("reference", "#"))
        yield from identifier(value.get("identifier", {}))
    elif "display" in value:
        yield ("text", value["display"])


def target(text: str) -> Iterator[Row]:
    plain = text.partition("/_history/")[0]
    if plain.startswith("#"):
        return
    head, slash, id = plain.partition("/")
    if slash and head[:1].isupper() and head.isalpha() and "/" not in id and ":" not in id:
        yield ("reference", head, id)
    else:
        yield ("reference", "", plain)


def uri(value: str, type: str) -> Iterator[Row]:
    yield ("token", "", value)
    if "|" in value:
        yield ("token", "", value.split("|")[0])


def string(value: Any, type: str) -> Iterator[Row]:
    if isinstance(value, str):
        yield ("string", value)
        return
    for name in (
        "text",
        "family",
        "given",
        "prefix",
        "suffix",
        "line",
        "city",
        "district",
        "state",
        "postalCode",
        "country",
    ):
        yield from (("string", one.value) for one in members(Item(value), name))


def date(value: Any, type: str) -> Iterator[Row]:
    """Start and end of a text, a Period or a Timing; other choices of a date parameter have no place in time."""
    if isinstance(value, str):
        if type in ("", "Date", "DateTime", "Instant"):
            yield ("date", *bounds(value))
    elif type == "Timing" or "repeat" in value or "event" in value:
        period = value.get("repeat", {}).get("boundsPeriod")
        ranges = [bounds(one) for one in value.get("event", [])] + ([between(period)] if period else [])
        if ranges:
            yield ("date", min(low for low, _ in ranges), max(high for _, high in ranges))
    elif type in ("", "Period") and ("start" in value or "end" in value):
        yield ("date", *between(value))


def between(period: Json) -> tuple[int, int]:
    low = bounds(period["start"])[0] if "start" in period else MIN
    return low, bounds(period["end"])[1] if "end" in period else MAX


def bounds(text: str) -> tuple[int, int]:
    """By the calendar of the standard library."""
    if len(text) <= 10:
        year, month, day = (int(one) for one in (text + "-0-0").split("-")[:3])
        low = datetime(year, month or 1, day or 1, tzinfo=UTC)
        days = 1 if day else calendar.monthrange(year, month)[1] if month else 365 + calendar.isleap(year)
        return micros(low), micros(low + timedelta(days=days))
    moment = datetime.fromisoformat(text)
    low = micros(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    fraction = text[20:].split("Z")[0].split("+")[0].split("-")[0] if text[19:20] == "." else ""
    return low, low + 10 ** max(0, 6 - len(fraction))


def micros(moment: datetime) -> int:
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))


def number(value: Any, type: str) -> Iterator[Row]:
    amounts = [value[end]["value"] for end in ("low", "high") if end in value] if isinstance(value, dict) else [value]
    yield from (("quantity", "", "", float(one)) for one in amounts)


def quantity(value: Json, type: str) -> Iterator[Row]:
    if "low" in value or "high" in value:
        for end in ("low", "high"):
            if end in value:
                yield from quantity(value[end], "Quantity")
    elif "origin" in value or "value" not in value:
        return
    elif "currency" in value:
        yield ("quantity", "urn:iso:std:iso:4217", value["currency"], float(value["value"]))
    else:
        if "code" in value:
            yield ("quantity", value.get("system", ""), value["code"], float(value["value"]))
        if "code" not in value or value.get("unit", value["code"]) != value["code"]:
            yield ("quantity", "", value.get("unit", ""), float(value["value"]))
