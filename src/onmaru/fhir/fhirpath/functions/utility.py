"""§5.8 Tree navigation and §5.9 Utility functions, with `aggregate` (§7) and `type()` (§10.2)."""

from __future__ import annotations

from onmaru.fhir.fhirpath.errors import execution, semantic
from onmaru.fhir.fhirpath.functions.registry import Arguments, function
from onmaru.fhir.fhirpath.node import Node
from onmaru.fhir.fhirpath.run import Collection, Run
from onmaru.fhir.fhirpath.singles import boolean, string
from onmaru.fhir.fhirpath.types import reflected
from onmaru.fhir.fhirpath.variables import is_fixed


@function("children")
def children(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return [child for item in items if item.__class__ is Node for child in item.children()]


@function("descendants")
def descendants(run: Run, items: Collection, arguments: Arguments) -> Collection:
    """In the order of the document, without the items themselves."""
    return [node for item in items if item.__class__ is Node for node in item.below()]


@function("trace", 1, 2)
def trace(run: Run, items: Collection, arguments: Arguments) -> Collection:
    name = string(arguments[0](run))
    shown = items
    if len(arguments) > 1:
        shown = [one for answer in run.each(items, arguments[1]) for one in answer]
    run.spend(len(shown))
    run.traces.append((name or "", shown))
    return items


@function("now")
def now(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return [run.now()]


@function("today")
def today(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return [run.today()]


@function("timeOfDay")
def time_of_day(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return [run.time_of_day()]


@function("defineVariable", 1, 2)
def define_variable(run: Run, items: Collection, arguments: Arguments) -> Collection:
    """The variable holds for what follows in the chain; the compiler closes the scope."""
    name = string(arguments[0](run))
    if not name:
        raise execution("defineVariable() needs a name")
    if name in run.variables or name in run.environment.variables or is_fixed(name):
        raise semantic("the variable is already defined")
    value = arguments[1](run) if len(arguments) > 1 else items
    run.spend(len(run.variables))
    run.variables = {**run.variables, name: value}
    return items


@function("pathname", 0, 1)
def pathname(run: Run, items: Collection, arguments: Arguments) -> Collection:
    short = bool(boolean(arguments[0](run))) if arguments else False
    return [_full(item, short) for item in items if item.__class__ is Node and item.root.label == ""]


def _full(node: Node, short: bool) -> str:
    if node.parent is None:
        return node.type
    index = "" if short and node.index < 0 else f"[{max(0, node.index)}]"
    return f"{_full(node.parent, short)}.{node.label}{index}"


@function("aggregate", 1, 2)
def aggregate(run: Run, items: Collection, arguments: Arguments) -> Collection:
    outer = run.this, run.index, run.total
    total = arguments[1](run) if len(arguments) > 1 else []
    for index, item in enumerate(items):
        run.this, run.index, run.total = [item], index, total
        total = arguments[0](run)
        run.spend(1 + len(total))
    run.this, run.index, run.total = outer
    return total


@function("type")
def type_(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return [known for item in items if (known := reflected(item)) is not None]


@function("hasValue")
def has_value(run: Run, items: Collection, arguments: Arguments) -> Collection:
    return [len(items) == 1 and _primitive(items[0])]


def _primitive(item: object) -> bool:
    return not isinstance(item, Node) or not (item.data is None or isinstance(item.data, (dict, list)))


@function("getValue")
def get_value(run: Run, items: Collection, arguments: Arguments) -> Collection:
    if len(items) != 1 or not _primitive(items[0]):
        return []
    return [items[0].value if isinstance(items[0], Node) else items[0]]
