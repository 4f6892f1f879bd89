"""The catalogue of R4 SearchParameters: which ones each resource type answers, and the Patient compartment.

Its one law: a parameter that cannot be answered is not listed, so that it is refused instead of matching nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

import msgspec

from onmaru.fhir.query import Kind, Parameter
from onmaru.fhir.search.branches import branches
from onmaru.fhir.search.expression import parse_expression

CANONICAL = "http://hl7.org/fhir/SearchParameter/"
ID, LAST_UPDATED = 0, 1
"""`sp` of `_id` and `_lastUpdated`: their rows are in Keys too; an engine that knows id and time may leave them out."""
OWN = 1_000_000
"""`sp` of every parameter that a tenant defined itself."""
NARRATIVE, CONTENT = 426, 1172
"""`sp` of `_text` and `_content`, which are asked of bodies (fulltext.py)."""

Row = tuple[str, str, str, str, list[str], list[str], list[tuple[int, str]], int, str]


class Definition(msgspec.Struct, frozen=True):
    """A SearchParameter with what extraction needs: FHIRPath `expression` and one expression a component.

    `nature` of a token: "string" for elements that compare without case, the system that its codes imply, or "".
    """

    parameter: Parameter
    expression: str
    components: tuple[str, ...]
    nature: str = ""


class Data(msgspec.Struct, frozen=True):
    """`data/search.json`, as `tools/build_search.py` writes it.

    `compartments`: for each, the parameters that put a resource of a type into it; `{def}` is the resource itself.
    """

    types: dict[str, int]
    compartments: dict[str, dict[str, list[str]]]
    parameters: list[Row]


@cache
def data() -> Data:
    """The shipped table; read once."""
    return msgspec.json.decode(files("onmaru.fhir").joinpath("data/search.json").read_bytes(), type=Data)


@cache
def types() -> frozenset[str]:
    """Names of all R4 resource types that can be stored."""
    return frozenset(data().types)


@cache
def numbered(sp: int) -> Definition:
    """The SearchParameter with number `sp`."""
    url, code, kind, expression, _, targets, components, _, nature = data().parameters[sp]
    if sp in (ID, LAST_UPDATED, NARRATIVE, CONTENT):
        kind = "special"
    parameter = Parameter(
        sp=sp,
        code=code,
        kind=msgspec.convert(kind, Kind),
        targets=tuple(sorted(types() - {"Parameters"})) if targets == ["*"] else tuple(targets),
        components=tuple(numbered(number).parameter for number, _ in components),
        url=CANONICAL + url,
    )
    return Definition(parameter, expression, tuple(path for _, path in components), nature)


def nature(sp: int) -> str:
    """See Definition; a tenant's own parameter has none."""
    return numbered(sp).nature if sp < OWN else ""


@cache
def definitions(type: str) -> Mapping[str, Definition]:
    """Every SearchParameter that claims `type`, by code; "Resource" gives those that all types share.

    Where two claim one code, the one that is not marked experimental counts. Raises KeyError for an unknown type.
    """
    bases = {"Resource"}
    if type != "Resource":
        bases |= {type, "DomainResource"} if data().types[type] else {type}
    found: dict[str, Definition] = {}
    for sp in sorted({sp for base in bases for sp in _claims().get(base, ())}):
        row = data().parameters[sp]
        if not (row[7] and row[1] in found):
            found[row[1]] = numbered(sp)
    return found


@cache
def _claims() -> Mapping[str, Sequence[int]]:
    """Numbers of the SearchParameters that claim each type."""
    found: dict[str, list[int]] = {}
    for sp, row in enumerate(data().parameters):
        for base in row[4]:
            found.setdefault(base, []).append(sp)
    return found


def answerable(definition: Definition, type: str) -> bool:
    """Whether extraction can give rows on `type`: some path applies, and it is not a parameter with rules of its own."""
    if not definition.expression or (definition.parameter.kind == "special" and definition.parameter.sp > LAST_UPDATED):
        return False
    return bool(branches(parse_expression(definition.expression), type))


@cache
def parameters(type: str) -> Mapping[str, Parameter]:
    """The parameters that a search on `type` ("Resource": on the whole system) answers, by code.

    `_filter, _query, near` and those without an expression are not among them. Raises KeyError for an
    unknown type.
    """
    written = (NARRATIVE, CONTENT)
    found = definitions(type).items()
    return {code: one.parameter for code, one in found if one.parameter.sp in written or answerable(one, type)}


@cache
def compartment(type: str) -> frozenset[int]:
    """Numbers of the reference parameters that put a resource of `type` into a Patient's compartment."""
    codes = data().compartments["Patient"].get(type, [])
    return frozenset(parameters(type)[code].sp for code in codes)
