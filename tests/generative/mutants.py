"""Broken resources made from sound ones: each mutant carries the paths at which it must be refused.

    python tests/generative/mutants.py DATA [COUNT] [SEED]

DATA is the folder of shared test data. Prints how many mutants were refused at exactly their paths, and each that was not.
"""

from __future__ import annotations

import gzip
import itertools
import json
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from onmaru.fhir.definitions import RESOURCE_TYPES, Element, elements
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.primitives import PRIMITIVES
from onmaru.fhir.structure import decode

TWICE = "\x00twice"
LARGEST = 60_000

# Values that no type of the column's name admits.
BAD: dict[str, list[Any]] = {
    "base64Binary": ["YWJ", "YWJj!A==", "=YWJ", "YWJjZA=", " "],
    "boolean": ["true", 1, "yes"],
    "canonical": ["http://h/a b", "\t"],
    "code": [" a", "a ", "a  b", "\ta"],
    "date": [
        "2023-02-30",
        "2023-13",
        "2023-1-1",
        "0000",
        "2023-02-29",
        "2023-04-31",
        "20230401",
        "2023-01-01T00:00:00Z",
    ],
    "dateTime": ["2023-02-30", "2023-01-01T10:00", "2023-01-01T10:00:00", "2023-01-01T24:00:00Z", "1900-02-29"],
    "decimal": ["1.0", True, "NaN"],
    "id": ["a_b", "x" * 65, "한글", "a/b"],
    "instant": ["2023-01-01", "2023-02-30T10:00:00Z", "2023-01-01T10:00:00", "2023-01-01T10:00:00+15:00"],
    "integer": [2**31, 1.5, "1", -(2**31) - 1],
    "markdown": ["a\x01b", "\x00"],
    "oid": ["1.2.3", "urn:oid:1.02", "urn:oid:3.1", "urn:oid:1"],
    "positiveInt": [0, -1, 2**31, 1.5, "1"],
    "string": ["a\x01b", "\x7f\x00", "\x1f"],
    "time": ["24:00:00", "10:00", "10:00:00Z", "1:00:00"],
    "unsignedInt": [-1, 2**31, 0.5, "0"],
    "uri": ["a b", " ", "http://h/\n"],
    "url": ["a b", "\r"],
    "uuid": ["urn:uuid:C757873D-EC9A-4326-A141-556F43239520", "c757873d-ec9a-4326-a141-556f43239520"],
    "xhtml": [
        "<div>x</div>",
        '<div xmlns="http://www.w3.org/1999/xhtml">x',
        '<div xmlns="http://www.w3.org/1999/xhtml"><script>x</script></div>',
        '<div xmlns="http://www.w3.org/1999/xhtml" onclick="x()">x</div>',
        '<div xmlns="http://www.w3.org/1999/xhtml"><a href="java&#10;script:x()">x</a></div>',
        "text",
    ],
}
# Sound values, to stand beside another member of the same choice.
SOUND: dict[str, Any] = {
    "boolean": True,
    "string": "x",
    "integer": 1,
    "decimal": 1.5,
    "dateTime": "2020-02-29",
    "date": "2020",
    "uri": "urn:x",
    "code": "x",
    "CodeableConcept": {"text": "x"},
    "Quantity": {"value": 1},
    "Period": {"start": "2020"},
    "Reference": {"reference": "Patient/1"},
    "Range": {"low": {"value": 1}},
    "Age": {"value": 1},
}


class Site(NamedTuple):
    """One member of one object. `element` is None for an object as a whole; `key` is its JSON name."""

    holder: dict[str, Any]
    key: str
    element: Element | None
    type: str
    path: str


class Mutant(NamedTuple):
    raw: bytes
    paths: frozenset[str]
    kinds: tuple[str, ...]


def sites(tree: dict[str, Any], type_name: str, path: str) -> Iterator[Site]:
    """Every member that the definitions know, and every object, below a sound tree."""
    yield Site(tree, "", None, type_name, path)
    for element in elements(type_name):
        for name in element.types:
            key = element.member(name)
            if isinstance(tree.get(f"_{key}"), dict):
                yield Site(tree[f"_{key}"], "", None, "Element", f"{path}._{key}")
            if key not in tree or f"_{key}" in tree:
                continue
            yield Site(tree, key, element, name, f"{path}.{key}")
            yield from _below(tree[key], name, f"{path}.{key}")


def _below(value: Any, type_name: str, path: str) -> Iterator[Site]:
    for place, one in (
        [(f"{path}[{i}]", v) for i, v in enumerate(value)] if isinstance(value, list) else [(path, value)]
    ):
        if isinstance(one, dict):
            yield from sites(one, one["resourceType"] if type_name == "Resource" else type_name, place)


Change = Callable[[Site, random.Random], "set[str] | None"]


def unknown(site: Site, chance: random.Random) -> set[str] | None:
    if site.element:
        return None
    name = chance.choice(["unknownThing", "foo", "Name", "resourcetype", "value_", "fhir_comments"])
    members = list(site.holder.items())
    members.insert(chance.randint(0, len(members)), (name, chance.choice(["x", 1, {"a": 1}, ["x"]])))
    site.holder.clear()
    site.holder.update(members)
    return {f"{site.path}.{name}"}


def wrong_type(site: Site, chance: random.Random) -> set[str] | None:
    if not site.element:
        return None
    if site.type not in PRIMITIVES:
        wrong = ["x", 1, True]
    elif site.type in ("integer", "positiveInt", "unsignedInt", "decimal"):
        wrong = ["1", True, {"a": 1}]
    else:
        wrong = [1, {"a": 1}] if site.type == "boolean" else [1.5, False, {"id": "a"}]
    return _put(site, chance, chance.choice(wrong))


def bad_primitive(site: Site, chance: random.Random) -> set[str] | None:
    if not site.element or site.type not in PRIMITIVES:
        return None
    return _put(site, chance, chance.choice(BAD[site.type]))


def _put(site: Site, chance: random.Random, value: Any) -> set[str]:
    """Put a value in the member's place, or in one place of its array."""
    held = site.holder[site.key]
    if isinstance(held, list):
        index = chance.randrange(len(held))
        held[index] = value
        return {f"{site.path}[{index}]"}
    site.holder[site.key] = value
    return {site.path}


def cardinality(site: Site, chance: random.Random) -> set[str] | None:
    if not site.element:
        return None
    held = site.holder[site.key]
    site.holder[site.key] = held[0] if isinstance(held, list) else [held]
    return {site.path}


def missing(site: Site, chance: random.Random) -> set[str] | None:
    if not site.element or not site.element.min or not site.holder.keys() - {site.key, "id"}:
        return None
    del site.holder[site.key]
    return {site.path[: -len(site.key)] + site.element.label}


def second_choice(site: Site, chance: random.Random) -> set[str] | None:
    if not site.element or len(site.element.types) == 1:
        return None
    others = [t for t in site.element.types if t in SOUND and t != site.type]
    if not others:
        return None
    other = chance.choice(others)
    site.holder[site.element.member(other)] = SOUND[other]
    return {site.path, site.path[: -len(site.key)] + site.element.member(other)}


def null(site: Site, chance: random.Random) -> set[str] | None:
    return _put(site, chance, None) if site.element else None


def empty(site: Site, chance: random.Random) -> set[str] | None:
    if not site.element:
        return None
    if isinstance(site.holder[site.key], list) and chance.random() < 0.5:
        site.holder[site.key] = []
        return {site.path}
    return _put(site, chance, {} if site.type not in PRIMITIVES else "")


def twice(site: Site, chance: random.Random) -> set[str] | None:
    if not site.element:
        return None
    site.holder[site.key + TWICE] = site.holder[site.key]
    return {site.path}


KINDS: dict[str, Change] = {
    one.__name__: one
    for one in (unknown, wrong_type, cardinality, missing, bad_primitive, second_choice, null, empty, twice)
}


def mutant(raw: bytes, seed: int) -> Mutant:
    """One to three changes, none below another, to one sound resource; the same seed gives the same mutant."""
    chance = random.Random(seed)
    tree = json.loads(raw)
    found = list(sites(tree, tree["resourceType"], tree["resourceType"]))
    wanted, paths, touched, kinds = chance.choice([1, 1, 2, 3]), set[str](), set[str](), list[str]()
    rare = {
        "missing": [s for s in found if s.element and s.element.min],
        "unknown": [s for s in found if not s.element],
    }
    rare["second_choice"] = [s for s in found if s.element and len(s.element.types) > 1]
    for attempt in itertools.count():
        if len(kinds) == wanted or (kinds and attempt > 50):
            break
        kind = list(KINDS)[seed % len(KINDS)] if attempt == 0 else chance.choice(list(KINDS))
        if not rare.get(kind, found):
            kind = chance.choice(["unknown", "wrong_type", "null", "empty", "twice"])
        site = chance.choice(rare.get(kind) or found)
        if any(_related(site.path, path) for path in touched):
            continue
        refused = KINDS[kind](site, chance)
        if refused:
            paths |= refused
            touched |= refused | {site.path}
            kinds.append(kind)
    text = json.dumps(tree, ensure_ascii=False).replace(json.dumps(TWICE)[1:-1], "")
    return Mutant(text.encode(), frozenset(paths), tuple(kinds))


def _related(one: str, other: str) -> bool:
    """Whether one path is the other, lies below it, or is a member of the same object (which may become empty)."""
    near = one.rpartition(".")[0] == other.rpartition(".")[0]
    return near or f"{other}.".startswith((f"{one}.", f"{one}[")) or f"{one}.".startswith((f"{other}.", f"{other}["))


def sources(data: Path) -> list[bytes]:
    """Sound resources of moderate size: official examples, Bulk Data lines and entries of Synthea bundles."""
    found = []
    for path in sorted((data / "fhir-r4-examples").glob("*.json*")):
        if path.name != "package.json":
            found.append(read(path))
    for path in sorted((data / "fhir-bulk-ndjson-10").glob("[A-Z]*.ndjson.gz")):
        found += [line for line in read(path).splitlines() if line][:20]
    for path in sorted((data / "fhir-synthea-r4").glob("*.json.gz"))[:3]:
        found += [json.dumps(entry["resource"]).encode() for entry in json.loads(read(path))["entry"]][:100]
    return [raw for raw in found if len(raw) <= LARGEST and json.loads(raw).get("resourceType") in RESOURCE_TYPES]


def read(path: Path) -> bytes:
    """A file's bytes, unpacked where its name ends in .gz."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def verdict(one: Mutant) -> str:
    """ "" when the mutant is refused at exactly its paths; else what went wrong."""
    try:
        decode(one.raw)
    except Invalid as refusal:
        told = frozenset(issue.expression for issue in refusal.issues)
        if told == one.paths:
            return ""
        return f"{one.kinds}: not told {sorted(one.paths - told)[:3]}, told besides {sorted(told - one.paths)[:3]}"
    return f"{one.kinds}: taken, though wrong at {sorted(one.paths)}"


def prove(data: Path, count: int, seed: int = 1) -> list[str]:
    """The failures among `count` mutants of the data's sound resources."""
    sound = sources(data)
    failures = []
    for number in range(count):
        chosen = random.Random(seed * 1_000_003 + number).choice(sound)
        why = verdict(mutant(chosen, seed * 1_000_003 + number))
        if why:
            failures.append(f"mutant {number}: {why}")
    return failures


if __name__ == "__main__":
    arguments = sys.argv[1:] + ["10000", "1"][len(sys.argv) - 2 :]
    wrong = prove(Path(arguments[0]), int(arguments[1]), int(arguments[2]))
    summary = {"mutants": int(arguments[1]), "refused_at_their_paths": int(arguments[1]) - len(wrong)}
    sys.stdout.write("\n".join([*wrong[:50], json.dumps(summary)]) + "\n")
    sys.exit(bool(wrong))
