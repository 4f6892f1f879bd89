"""One search parameter as written, modifiers and chains included, to a node of the query's tree.

Its one law: what is not understood is refused with its name; no text ever repeats a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from onmaru.fhir.query import Chain, Clause, Has, Missing, Node, Parameter, Ref, Text, Token, Typed, Value, Wide
from onmaru.fhir.search import written
from onmaru.fhir.search.catalogue import parameters, types
from onmaru.fhir.search.context import Context, TooMuch
from onmaru.fhir.search.uris import DEEPEST
from onmaru.fhir.search.written import Malformed

MODIFIERS = {
    "string": ("exact", "contains", "missing"),
    "token": ("text", "not", "missing", "of-type", "in", "not-in", "above", "below"),
    "reference": ("identifier", "missing", "above", "below"),
    "uri": ("missing", "above", "below"),
    "special": (),
    "composite": (),
}
"""Modifiers by kind (R4 search 3.1.1.4.4); every other kind has only `:missing`, and a reference `:[type]` too."""
WIDE = frozenset(
    {
        ("token", "in"), ("token", "not-in"), ("token", "above"), ("token", "below"),
        ("reference", "above"), ("reference", "below"),
    }
)  # fmt: skip
"""Modifiers whose values stand for more than is written."""
HIERARCHIES = {
    "Location": "partof", "Organization": "partof", "Encounter": "part-of", "CarePlan": "part-of", "Task": "part-of",
}  # fmt: skip
"""Types whose resources lie within others of the same type, and the parameter that says so."""
PRINTABLE = re.compile(r"[A-Za-z0-9_.:\-]{1,128}", re.ASCII)


class Unknown(Exception):
    """A parameter that does not exist for the type, or is not answered; `reason` names it."""


def known(type: str) -> Mapping[str, Parameter]:
    """Parameters of a type, or those of every type for ""."""
    return parameters(type or "Resource")


def parameter(type: str, code: str, context: Context | None = None) -> Parameter:
    """The parameter `code` of a type ("": of any), the tenant's own among them. Raises Unknown."""
    found = known(type).get(code)
    if found is None and context is not None:
        found = context.own.get(type, {}).get(code)
    if found is None:
        raise Unknown(f"there is no such search parameter for {type or 'all types'}")
    return found


def node(type: str, name: str, text: str, context: Context, links: int = 0) -> Node:
    """The node for `name=text` on `type`. Raises Unknown for the parameter, TooMuch, Malformed for everything else."""
    context.step()
    if links > context.limits.links:
        raise TooMuch(f"a chain has at most {context.limits.links} links")
    if name.startswith("_has:"):
        return _has(name, text, context, links)
    if name == "_list":
        return _list(text)
    head, dot, rest = name.partition(".")
    code, colon, modifier = head.partition(":")
    if not code or (colon and not modifier) or (dot and not rest):
        raise Malformed("a name is missing beside a dot or colon")
    found = parameter(type, code, context)
    if dot:
        return _chain(found, modifier, (rest, text), context, links)
    return clause(found, modifier, text, context)


def _has(name: str, text: str, context: Context, links: int) -> Has:
    """`_has:Type:reference:inner`."""
    parts = name.split(":", 3)
    if len(parts) != 4 or not all(parts):
        raise Malformed("_has is written _has:Type:reference:parameter")
    type, code, rest = parts[1:]
    if type not in types():
        raise Malformed("_has names no resource type")
    through = parameter(type, code)
    if through.kind != "reference":
        raise Malformed("_has goes through a reference parameter")
    return Has(type, through, node(type, rest, text, context, links + 1))


def _list(text: str) -> Has:
    """`_list=id`: what is in that List (R4 search 3.1.1.4.14), as `_has:List:item:_id=id` says too."""
    if text.startswith("$"):
        raise Malformed("functional lists are not answered")
    if not written.IDENTIFIER.fullmatch(text):
        raise Malformed("is the id of one List")
    return Has("List", parameter("List", "item"), Clause(parameter("List", "_id"), "", (Text(text),)))


def _chain(through: Parameter, narrowed: str, inner: tuple[str, str], context: Context, links: int) -> Chain:
    """`reference[:Type].inner`: every target type that knows the inner parameter is followed."""
    if through.kind != "reference":
        raise Malformed("only a reference parameter can be chained")
    if through.expression:
        raise Malformed("a parameter of the tenant's own is not chained")
    if narrowed and narrowed not in through.targets:
        raise Malformed("the reference never points at that type")
    followed: list[tuple[str, Node]] = []
    problems: list[Exception] = []
    for type in (narrowed,) if narrowed else through.targets:
        try:
            followed.append((type, node(type, *inner, context, links + 1)))
        except (Unknown, Malformed) as problem:
            problems.append(problem)
    if not followed:
        malformed = [problem for problem in problems if isinstance(problem, Malformed)]
        raise (malformed or problems or [Malformed("the reference has no known target type")])[0]
    return Chain(through, tuple(followed))


def clause(parameter: Parameter, modifier: str, text: str, context: Context) -> Clause | Wide:
    """The clause for a parameter, its modifier and its comma-separated alternatives. Raises Malformed."""
    if len(text) > context.limits.characters:
        raise TooMuch(f"a value has at most {context.limits.characters} characters")
    if "\x00" in text:  # no text of FHIR has it, and PostgreSQL takes none that does
        raise Malformed("a value holds a character that no FHIR string has")
    alternatives = list(dict.fromkeys(written.split(text, ",")))
    if len(alternatives) > context.limits.values:
        raise TooMuch(f"at most {context.limits.values} alternatives are taken")
    if "" in alternatives:
        raise Malformed("a value is empty")
    if parameter.kind == "reference" and modifier in types():
        return Clause(parameter, "", tuple(_narrowed(parameter, modifier, one, context) for one in alternatives))
    allowed = MODIFIERS.get(parameter.kind, ("missing",))
    if modifier and modifier not in allowed and not (modifier == "not" and parameter.code == "_id"):
        raise Malformed("the modifier is not answered for this kind of parameter")
    values = [_value(parameter, modifier, one, context) for one in alternatives]
    if parameter.kind == "reference" and not modifier and context.base:
        values += _as_written(alternatives, context.base)
    made = Clause(parameter, modifier, tuple(values))
    return Wide(made) if (parameter.kind, modifier) in WIDE else made


def _narrowed(parameter: Parameter, type: str, text: str, context: Context) -> Ref:
    """`reference:Type=id`, where `Type/id` is taken too if it says the same type."""
    if type not in parameter.targets:
        raise Malformed("the reference never points at that type")
    found = written.reference(text, context.base)
    if found.type not in ("", type):
        raise Malformed("the value and the modifier name different types")
    return Ref(type, found.id) if written.IDENTIFIER.fullmatch(found.id) else found


def _as_written(alternatives: Sequence[str], base: str) -> list[Value]:
    """Addresses of this server's own resources as they stand: who wrote such a reference whole has it kept so."""
    return [found for one in alternatives if (found := written.reference(one)) != written.reference(one, base)]


def _value(parameter: Parameter, modifier: str, text: str, context: Context) -> Value:
    read = _MODIFIED.get((parameter.kind, modifier)) or _MODIFIED.get(("", modifier))
    return written.value(parameter, text, context) if read is None else read(parameter, text, context)


def _missing(_parameter: Parameter, text: str, _context: Context) -> Missing:
    if text not in ("true", "false"):
        raise Malformed(":missing is true or false")
    return Missing(text == "true")


def _identifier(_parameter: Parameter, text: str, _context: Context) -> Token:
    return written.token(text)


def _plain(_parameter: Parameter, text: str, _context: Context) -> Text:
    return Text(written.unescape(text))


def _of_type(_parameter: Parameter, text: str, _context: Context) -> Typed:
    parts = [written.unescape(part) for part in written.split(text, "|")]
    if len(parts) != 3 or not all(parts[1:]):
        raise Malformed(":of-type is system|code|value")
    return Typed(*parts)


def _value_set(_parameter: Parameter, text: str, _context: Context) -> Text:
    url = written.unescape(text)
    if not written.ABSOLUTE.fullmatch(url):
        raise Malformed(":in and :not-in take the url of a ValueSet")
    return Text(url)


def _url(_parameter: Parameter, text: str, _context: Context) -> Text:
    url = written.unescape(text)
    if url.count("/") > DEEPEST:
        raise Malformed(f"a url has at most {DEEPEST} parts here")
    return Text(url)


def _concept(_parameter: Parameter, text: str, _context: Context) -> Token:
    found = written.token(text)
    if not found.system or found.code is None:
        raise Malformed(":above and :below of a code take system|code")
    return found


def _place(parameter: Parameter, text: str, context: Context) -> Ref:
    """Only what lies within others of its type has an above and a below."""
    found = written.reference(text, context.base)
    ranked = [type for type in parameter.targets if type in HIERARCHIES]
    if not ranked or found.type not in ("", *ranked):
        raise Malformed(":above and :below need a type with a hierarchy: " + ", ".join(HIERARCHIES))
    return found


_MODIFIED: dict[tuple[str, str], Callable[[Parameter, str, Context], Value]] = {
    ("", "missing"): _missing,
    ("", "identifier"): _identifier,
    ("", "exact"): _plain,
    ("", "contains"): _plain,
    ("", "text"): _plain,
    ("", "of-type"): _of_type,
    ("", "in"): _value_set,
    ("", "not-in"): _value_set,
    ("token", "above"): _concept,
    ("token", "below"): _concept,
    ("uri", "above"): _url,
    ("uri", "below"): _url,
    ("reference", "above"): _place,
    ("reference", "below"): _place,
}
