"""Write `src/onmaru/engines/data/bodies.zdict`, which stored bodies are compressed with: forms of resources, nobody's data.

    python tools/build_body_dictionary.py [OUTPUT]

It is made of the forms in `body_forms.ndjson`, filled at random, and of what the simulated hospital sends. One that
was shipped is for ever, for bodies name it: a better one is another file beside it.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard

from onmaru.simulate import hospital

OUTPUT = Path(__file__).parent.parent / "src/onmaru/engines/data/bodies.zdict"
FORMS = Path(__file__).parent / "body_forms.ndjson"
SIZE, EACH, SEED = 64 << 10, 120, 7
# One number for each dictionary there ever is
NUMBER = 32_901


def filled(value: Any, chance: random.Random) -> Any:
    """A form with every `%x` replaced: %u a UUID, %t an instant, %d a day, %n and %i numbers, %w a word nobody says."""
    if isinstance(value, dict):
        return {name: filled(one, chance) for name, one in value.items()}
    if isinstance(value, list):
        return [filled(one, chance) for one in value]
    if not isinstance(value, str) or "%" not in value:
        return value
    if value in ("%n", "%i"):
        return round(chance.uniform(0, 300), chance.choice([0, 1, 2, 4])) if value == "%n" else chance.randrange(1, 99)
    for mark, make in _MARKS.items():
        while mark in value:
            value = value.replace(mark, make(chance), 1)
    return value


def _uuid(chance: random.Random) -> str:
    text = f"{chance.getrandbits(128):032x}"
    return "-".join([text[:8], text[8:12], text[12:16], text[16:20], text[20:]])


def _day(chance: random.Random) -> str:
    year = chance.choice([1940 + chance.randrange(86), 2010 + chance.randrange(17)])
    return f"{year}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"


def _instant(chance: random.Random) -> str:
    zone = chance.choice(["Z", "+09:00", "-05:00", "-04:00"])
    clock = ":".join(f"{chance.randrange(most):02}" for most in (24, 60, 60))
    return f"{_day(chance)}T{clock}{chance.choice(['', '.000', f'.{chance.randrange(1000):03}'])}{zone}"


def _word(chance: random.Random) -> str:
    return "".join(chance.choice("abcdefghijklmnoprstuvw") for _ in range(chance.randrange(4, 10))).capitalize()


_MARKS = {
    "%u": _uuid,
    "%t": _instant,
    "%d": _day,
    "%w": _word,
    "%c": lambda chance: str(chance.randrange(10_000, 99_999_999)),
    "%l": lambda chance: f"{chance.randrange(1000, 99_999)}-{chance.randrange(10)}",
}


def samples() -> Iterator[bytes]:
    """Bodies as the log keeps them: compact, with the id and meta that the house sets."""
    chance = random.Random(SEED)
    forms = [json.loads(line) for line in FORMS.read_text("utf-8").splitlines()]
    for _ in range(EACH):
        for form in forms:
            yield _kept(filled(form, chance), chance)
    for event in hospital(SEED, 0.5):
        if event.channel == "fhir":
            for entry in json.loads(event.payload).get("entry", []):
                yield _kept(entry["resource"], chance)


def _kept(resource: dict[str, Any], chance: random.Random) -> bytes:
    clock = f"{_instant(chance)[11:19]}.{chance.randrange(10**6):06}Z"
    number, instant = chance.choice(["1", "1", "1", "2"]), f"2026-{_day(chance)[5:]}T{clock}"
    meta = {"versionId": number, "lastUpdated": instant, **resource.get("meta", {})}
    rest = {name: value for name, value in resource.items() if name not in ("resourceType", "id", "meta")}
    head = {"resourceType": resource["resourceType"], "id": resource.get("id") or _uuid(chance), "meta": meta}
    return json.dumps({**head, **rest}, ensure_ascii=False, separators=(",", ":")).encode()


if __name__ == "__main__":
    made = zstandard.train_dictionary(SIZE, list(samples()), level=3, dict_id=NUMBER)
    Path(sys.argv[1] if len(sys.argv) > 1 else OUTPUT).write_bytes(made.as_bytes())
