"""The table of functions: name → how many arguments it takes and what it does. Each group of the specification fills it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from onmaru.fhir.fhirpath.run import Collection, Evaluation, Run

Arguments = tuple[Evaluation, ...]
Body = Callable[[Run, Collection, Arguments], Collection]


class Function(msgspec.Struct, frozen=True):
    """`body` gets the input collection and its arguments unevaluated, for it decides in what scope they are read."""

    name: str
    least: int
    most: int
    body: Body


TABLE: dict[str, Function] = {}


def function(name: str, least: int = 0, most: int | None = None) -> Callable[[Body], Body]:
    """Enter a function of `least` to `most` arguments (as many as `least` where not said)."""

    def enter(body: Body) -> Body:
        TABLE[name] = Function(name, least, least if most is None else most, body)
        return body

    return enter
