"""One search parameter as written, modifiers and chains included, to a node of the query's tree.

Its one law: what is not understood is refused with its name; no text ever repeats a value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from onmaru.fhir.query import Chain, Clause, Has, Missing, Node, Parameter, Ref, Text, Value
from onmaru.fhir.search import written
from onmaru.fhir.search.catalogue import parameters, types
from onmaru.fhir.search.context import Context, TooMuch
from onmaru.fhir.search.written import Malformed

MODIFIERS = {
    "string": ("exact", "contains", "missing"),
    "token": ("text", "not", "missing"),
    "reference": ("identifier", "missing"),
    "special": (),
    "composite": (),
}
"""Modifiers by kind (R4 search 3.1.1.4.4); every other kind has only `:missing`, and a reference `:[type]` too."""
PRINTABLE = re.compile(r"[A-Za-z0-9_.:\-]{1,128}", re.ASCII)


class Unknown(Exception):
    """A parameter that does not exist for the type, or is not answered; `reason` names it."""


def known(type: str) -> Mapping[str, Parameter]:
    """Parameters of a type, or those of every type for ""."""
    return parameters(type or "Resource")


def parameter(type: str, code: str) -> Parameter:
    """The parameter `code` of a type ("": of any). Raises Unknown."""
    found = known(type).get(code)
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
    found = parameter(type, code)
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


def clause(parameter: Parameter, modifier: str, text: str, context: Context) -> Clause:
    """The clause for a parameter, its modifier and its comma-separated alternatives. Raises Malformed."""
    if len(text) > context.limits.characters:
        raise TooMuch(f"a value has at most {context.limits.characters} characters")
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
    return Clause(parameter, modifier, tuple(_value(parameter, modifier, one, context) for one in alternatives))


def _narrowed(parameter: Parameter, type: str, text: str, context: Context) -> Ref:
    """`reference:Type=id`, where `Type/id` is taken too if it says the same type."""
    if type not in parameter.targets:
        raise Malformed("the reference never points at that type")
    found = written.reference(text, context.base)
    if found.type not in ("", type):
        raise Malformed("the value and the modifier name different types")
    return Ref(type, found.id) if written.IDENTIFIER.fullmatch(found.id) else found


def _value(parameter: Parameter, modifier: str, text: str, context: Context) -> Value:
    if modifier == "missing":
        if text not in ("true", "false"):
            raise Malformed(":missing is true or false")
        return Missing(text == "true")
    if modifier == "identifier":
        return written.token(text)
    if modifier in ("exact", "contains", "text"):
        return Text(written.unescape(text))
    return written.value(parameter, text, context)
