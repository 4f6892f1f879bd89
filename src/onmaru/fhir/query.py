"""A parsed search: an immutable tree that every engine evaluates. Parsing is in `search`; meaning is FHIR R4 search."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["token", "reference", "date", "string", "quantity", "number", "uri", "composite", "special"]
Prefix = Literal["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]


class Parameter(msgspec.Struct, frozen=True):
    """One SearchParameter as it applies to one resource type. `sp` is dense and the same for all types that share it.

    `expression`: the FHIRPath of one that a tenant defined itself (fhir/search/own.py); it has no rows in any index.
    """

    sp: int
    code: str
    kind: Kind
    targets: tuple[str, ...] = ()
    components: tuple[Parameter, ...] = ()
    url: str = ""
    expression: str = ""


class Token(msgspec.Struct, frozen=True, tag=True, tag_field="node"):
    """`code` (system None), `system|code`, `|code` (system ""), `system|` (code None)."""

    system: str | None
    code: str | None


class Ref(msgspec.Struct, frozen=True, tag=True, tag_field="node"):
    """`Type/id`, bare `id` (type "") or an absolute url (type "", id the url)."""

    type: str
    id: str


class Date(msgspec.Struct, frozen=True, tag=True, tag_field="node"):
    """Range [low, high) in µs since 1970 UTC that the written precision covers."""

    prefix: Prefix
    low: int
    high: int


class Text(msgspec.Struct, frozen=True, tag=True, tag_field="node"):
    """A string or uri as written, unescaped."""

    text: str


class Number(msgspec.Struct, frozen=True, tag=True, tag_field="node"):
    """A number or quantity: the value, its implicit range [low, high) and, for a quantity, system and code (None: any)."""

    prefix: Prefix
    value: float
    low: float
    high: float
    system: str | None = None
    code: str | None = None


class Parts(msgspec.Struct, frozen=True, tag=True, tag_field="node"):
    """A composite value: one value a component, in order."""

    parts: tuple[Value, ...]


class Typed(msgspec.Struct, frozen=True, tag=True, tag_field="node"):
    """`system|code|value` of `:of-type`: an Identifier's value and its type."""

    system: str
    code: str
    value: str


class Missing(msgspec.Struct, frozen=True, tag=True, tag_field="node"):
    """The value of `:missing`."""

    missing: bool


Value = Token | Ref | Date | Text | Number | Parts | Missing | Typed


class Clause(msgspec.Struct, frozen=True, tag=True, tag_field="node"):
    """One parameter; `values` are alternatives. `modifier` is "" or the one that was written (fhir/search/clauses.py).

    `_id` and `_lastUpdated` are Clauses whose parameter has kind "special" (values Text and Date).
    """

    parameter: Parameter
    modifier: str
    values: tuple[Value, ...]


class Chain(msgspec.Struct, frozen=True, tag=True, tag_field="node"):
    """`parameter.inner`: the reference points at a `type` that satisfies any of `inner` (one a possible target type)."""

    parameter: Parameter
    inner: tuple[tuple[str, Node], ...]


class Has(msgspec.Struct, frozen=True, tag=True, tag_field="node"):
    """`_has:type:parameter:inner`: some `type` that satisfies `inner` points here through `parameter`."""

    type: str
    parameter: Parameter
    inner: Node


class Either(msgspec.Struct, frozen=True, tag=True, tag_field="node"):
    """Any of these nodes holds on a resource of the type beside it ("": of any)."""

    of: tuple[tuple[str, Node], ...]


class Wide(msgspec.Struct, frozen=True, tag=True, tag_field="node"):
    """A clause whose values stand for more than is written: a value set, or what is above or below in a hierarchy.

    The Record puts the values in their place (kernel/widening.py); no engine ever sees one.
    """

    clause: Clause


def unwidened(node: Wide) -> LookupError:
    """What an engine raises for a node that should never have come to it."""
    return LookupError(f"{node.clause.parameter.code}:{node.clause.modifier} was not widened")


Node = Clause | Chain | Has | Either | Wide


class Sort(msgspec.Struct, frozen=True):
    parameter: Parameter
    descending: bool


class Include(msgspec.Struct, frozen=True):
    """`source:parameter[:target]`; parameter None is `*`, source `*` every type. `iterate`: from what is included too."""

    source: str
    parameter: Parameter | None
    target: str = ""
    iterate: bool = False


class Query(msgspec.Struct, frozen=True):
    """A whole search. Types: one for a type search, () for the whole system. `cursor` is opaque and pins t.

    Without `sort`, newest version first (descending position). `pairs` are the parameters as used, for the self link.
    `explain`: the answer tells how it was found. `compartment` is a Patient id: only matches that lie in that Patient's
    compartment; its types are those of `types`.
    """

    types: tuple[str, ...]
    clauses: tuple[Node, ...] = ()
    sort: tuple[Sort, ...] = ()
    count: int = 20
    include: tuple[Include, ...] = ()
    revinclude: tuple[Include, ...] = ()
    summary: Literal["", "true", "text", "data", "count", "false"] = ""
    elements: tuple[str, ...] = ()
    total: Literal["none", "estimate", "accurate"] = "accurate"
    cursor: str = ""
    compartment: str = ""
    explain: bool = False
    pairs: tuple[tuple[str, str], ...] = ()
