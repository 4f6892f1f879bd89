"""The Synthea charts again under new identities: other ids, names, numbers, addresses and days of birth, shifted dates.

A chart's number decides all of it, so that the same chart is made again where a run goes on.
"""

from __future__ import annotations

import gzip
import random
import re
import uuid
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from _corpus import folder
from onmaru.simulate.names import SURNAMES

_UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DAY = re.compile(rb'"(\d{4})-(\d\d)-(\d\d)(?=["T])')
# Days by which a chart lies earlier, so that no date is of the future
SHIFT = 9_000
SYLLABLES = (
    "가건경광규근기나다도동두라람로루리림민바병보빈상서석선성세소솔수숙순슬승시아안연"
    "영예온우원유윤은인재정주준지진찬창채철태하한해현형혜호환훈희"
)


def hospitals() -> list[Path]:
    """What is nobody's: taken once, as it is."""
    return [path for path in sorted(folder().glob("*.json.gz")) if "Information" in path.name]


def charts() -> list[bytes]:
    """Every patient's Bundle, compact."""
    paths = [path for path in sorted(folder().glob("*.json.gz")) if "Information" not in path.name]
    return [compact(path) for path in paths]


def compact(path: Path) -> bytes:
    """A Bundle's tokens without the space between them."""
    return msgspec.json.format(gzip.decompress(path.read_bytes()), indent=-1)


def identified(known: Sequence[bytes], number: int) -> bytes:
    """Chart `number`: one of those known, of somebody else."""
    chance = random.Random(number)
    days, ids, key = timedelta(chance.randrange(SHIFT)), dict[bytes, bytes](), number.to_bytes(8, "big")

    def other(found: re.Match[bytes]) -> bytes:
        made = ids.get(found[0])
        if made is None:
            made = str(uuid.UUID(bytes=blake2b(found[0], key=key, digest_size=16).digest(), version=4)).encode()
            ids[found[0]] = made
        return made

    def earlier(found: re.Match[bytes]) -> bytes:
        return b'"' + (date(*map(int, found.groups())) - days).isoformat().encode()

    raw = _DAY.sub(earlier, _UUID.sub(other, known[number % len(known)]))
    bundle = msgspec.json.decode(raw, type=_Bundle)
    bundle.entry = [_renamed(entry, chance) for entry in bundle.entry]
    return msgspec.json.encode(bundle)


class _Entry(msgspec.Struct):
    fullUrl: str
    resource: msgspec.Raw
    request: msgspec.Raw


class _Bundle(msgspec.Struct):
    resourceType: str
    type: str
    entry: list[_Entry]


def _renamed(entry: _Entry, chance: random.Random) -> _Entry:
    if not bytes(entry.resource).startswith(b'{"resourceType":"Patient"'):
        return entry
    tree: dict[str, Any] = msgspec.json.decode(entry.resource)
    family, given = _name(chance)
    tree["name"] = [{"use": "official", "family": family, "given": [given]}]
    tree["birthDate"] = (date.fromisoformat(tree["birthDate"]) - timedelta(chance.randrange(3_000))).isoformat()
    tree["identifier"] = [
        one | ({"value": f"{chance.randrange(10**12):012d}"} if "value" in one else {}) for one in tree["identifier"]
    ]
    tree["telecom"] = [{"system": "phone", "value": f"555-{chance.randrange(10**7):07d}", "use": "home"}]
    for one in tree.get("address", ()):
        one["line"] = [f"{chance.randrange(1, 9_999)} {_name(chance)[0]} Street"]
        one["postalCode"] = f"{chance.randrange(100_000):05d}"
    tree.pop("text", None)
    entry.resource = msgspec.Raw(msgspec.json.encode(tree))
    return entry


def _name(chance: random.Random) -> tuple[str, str]:
    """A surname, and a given name of two syllables: some fifty thousand of them."""
    family, _, _ = chance.choice(SURNAMES)
    return family, chance.choice(SYLLABLES) + chance.choice(SYLLABLES)


def written(known: Sequence[bytes], numbers: Sequence[int], into: Path) -> Iterator[Path]:
    """Charts as files, for a load."""
    into.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        path = into / f"chart-{number:07d}.json"
        path.write_bytes(identified(known, number))
        yield path
