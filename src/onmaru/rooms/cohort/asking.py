"""From what somebody handed in — a definition of ours or a Circe expression, as JSON — to what can be run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from onmaru.fhir.outcome import Invalid, Issue, invalid
from onmaru.rooms.cohort import grammar
from onmaru.rooms.cohort.definition import FORMAT, Definition, expression

LARGEST = 4_000_000


class Wanted(NamedTuple):
    """A cohort as it was handed in (`said`), its name, and the Circe expression that is run."""

    name: str
    said: Mapping[str, Any]
    circe: Mapping[str, Any]

    @property
    def rules(self) -> list[str]:
        """The names of its rules, in order."""
        return [str(rule.get("name") or "") for rule in self.circe.get("InclusionRules") or ()]


def wanted(raw: bytes) -> Wanted:
    """Read and check it; `Invalid` 400 where it is no JSON, 422 where it is no definition, with every place."""
    if len(raw) > LARGEST:
        raise invalid("too-long", f"has more than {LARGEST:,} bytes", status=413)
    try:
        said = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid("structure", "is not JSON") from error
    return taken(said)


def taken(said: Any) -> Wanted:
    """The same of JSON that was read."""
    if not isinstance(said, dict):
        raise invalid("structure", "is not a JSON object", status=422)
    if "format" in said:
        return _ours(said)
    circe = grammar.checked(said)
    return Wanted(str(said.get("name") or circe.get("Title") or ""), said, circe)


def _ours(said: dict[str, Any]) -> Wanted:
    try:
        definition = msgspec.convert(said, Definition)
    except msgspec.ValidationError as error:
        raise Invalid([fault(str(error))], 422) from error
    if said["format"] != FORMAT:
        raise invalid("value", f"is not {FORMAT}", "format", 422)
    return Wanted(definition.name, said, grammar.checked(expression(definition)))


def fault(told: str) -> Issue:
    """What msgspec says of a value, without the value."""
    text, _, path = told.partition(" - at `$")
    if text.startswith("Invalid"):
        text = "is none of the words that are known here"
    return Issue("structure", text[:1].lower() + text[1:], path.rstrip("`").lstrip("."))
