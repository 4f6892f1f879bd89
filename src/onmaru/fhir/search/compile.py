"""From SearchParameters to Python: one function a resource type that walks each element once and feeds every parameter.

Its one law: generated code is built from the expressions' trees alone; no text of an expression reaches it unquoted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

import msgspec

from onmaru.fhir.keys import Keys
from onmaru.fhir.search.branches import Branch, Extension, Field, Step, Truth, Where, branches
from onmaru.fhir.search.condition import condition
from onmaru.fhir.search.expression import Unreadable, parse_expression
from onmaru.fhir.search.shape import Element, elements
from onmaru.fhir.search.values import RULES

Struct = type[msgspec.Struct]
ROWS = {
    "token": ("token", "text", "typed"),
    "reference": ("reference", "token", "text", "typed"),
    "uri": ("token",),
    "string": ("string",),
    "date": ("date",),
    "number": ("quantity",),
    "quantity": ("quantity",),
}
"""The lists of Keys that a parameter of each kind may have rows in."""


class Feed(msgspec.Struct, frozen=True):
    """What is done with an element: a rule for parameter `sp`. `rule` overrides the table's."""

    sp: int
    kind: str
    rule: str = ""


class Pair(msgspec.Struct, frozen=True):
    """A composite row made at an element, from one tree a component."""

    sp: int
    parts: tuple[tuple[Feed, tuple[Branch, ...]], ...]


Action = Feed | Pair


class Tree:
    """Steps shared by all the paths that begin with them."""

    def __init__(self) -> None:
        self.actions: list[Action] = []
        self.children: dict[Step, Tree] = {}

    def add(self, steps: Sequence[Step], action: Action) -> None:
        tree = self
        for step in steps:
            tree = tree.children.setdefault(step, Tree())
        tree.actions.append(action)


def grow(type: str, feeds: Sequence[tuple[str, Action]]) -> Tree:
    """The tree of all (expression, action) that apply to `type`. Raises Unreadable."""
    tree = Tree()
    for expression, action in feeds:
        for branch in branches(parse_expression(expression), type):
            tree.add(branch.steps, action)
    return tree


def source(struct: Struct, tree: Tree) -> str:
    """The text of `make_extract(rules, Keys, refers)`, which gives `extract(r) -> Keys` for instances of `struct`.

    Raises Unreadable for an element that the Struct lacks.
    """
    writer = _Writer(struct)
    body = list(_indented(writer.walk(tree, "r", _whole(struct), "k"), 2))
    rules = [f"    {rule} = rules[{key!r}]" for key, rule in writer.rules.items()]
    head = [
        "def make_extract(rules, Keys, refers):",
        "    none = []",
        *rules,
        "    def extract(r):",
        "        k = Keys()",
    ]
    return "\n".join([*head, *body, "        return k", "    return extract", ""])


def _lists(kind: str) -> str:
    """Arguments of a component's Keys: a list where its kind has rows, elsewhere the one list that stays empty."""
    return ", ".join("[]" if name in ROWS[kind] else "none" for name in Keys.__struct_fields__)


def _whole(struct: Struct) -> Element:
    return Element("r", False, struct.__name__, struct)


class _Writer:
    """Writes the lines of one function; every variable gets a fresh number."""

    def __init__(self, struct: Struct) -> None:
        self.struct = struct
        self.rules: dict[tuple[str, str], str] = {}
        self.number = count(1)

    def fresh(self, letter: str) -> str:
        return f"{letter}{next(self.number)}"

    def walk(self, tree: Tree, var: str, element: Element, keys: str) -> Iterator[str]:
        """Lines that apply the tree's actions to `var`, then those of its children."""
        for action in tree.actions:
            yield from self.act(action, var, element, keys)
        for step, child in tree.children.items():
            yield from self.enter(step, child, var, element, keys)

    def enter(self, step: Step, child: Tree, var: str, element: Element, keys: str) -> Iterator[str]:
        if isinstance(step, Field):
            yield from self.field(step, child, var, element, keys)
        elif isinstance(step, Extension):
            one = self.fresh("e")
            yield f"for {one} in {var}.extension or ():"
            yield f"    if {one}.url == {step.url!r}:"
            inner = _find(element, Field("extension"))[0]._replace(many=False)
            yield from _indented(self.walk(child, one, inner, keys), 2)
        elif isinstance(step, Where):
            lines = list(_indented(self.walk(child, var, element, keys)))
            if lines:
                yield f"if {condition(step.condition, var, element)}:"
                yield from lines
        else:
            truth = self.fresh("b")
            yield f"{truth} = {condition(step.condition, var, element)}"
            yield from self.walk(child, truth, Element(truth, False, "bool", None), keys)

    def field(self, step: Field, child: Tree, var: str, element: Element, keys: str) -> Iterator[str]:
        for found in _find(element, step):
            value = self.fresh("v")
            lines = list(self.inside(step, child, value, found, keys))
            if lines:
                yield f"{value} = {var}.{found.attribute}"
                yield from lines

    def inside(self, step: Field, child: Tree, value: str, found: Element, keys: str) -> Iterator[str]:
        """Lines for a value just read: skipped when absent, once an item when a list."""
        item, depth = value, 1
        head = [f"if {value} is not None:"]
        if found.many and step.number is not None:
            item = self.fresh("i")
            head = [f"if {value} and len({value}) > {step.number}:", f"    {item} = {value}[{step.number}]"]
        elif found.many:
            item, depth = self.fresh("i"), 2
            head.append(f"    for {item} in {value}:")
            if found.struct is None:  # a primitive list holds null where an item has only extensions
                head.append(f"        if {item} is not None:")
                depth = 3
        lines = list(_indented(self.walk(child, item, found._replace(many=False), keys), depth))
        if lines:
            yield from head
            yield from lines

    def act(self, action: Action, var: str, element: Element, keys: str) -> Iterator[str]:
        if isinstance(action, Pair):
            yield from self.pair(action, var, element, keys)
        elif element.type == "Extension" and element.struct is not None:
            tree = Tree()
            tree.add([Field("value")], action)
            yield from self.walk(tree, var, element._replace(type="value"), keys)
        else:
            key = (action.rule or action.kind, element.type)
            if key in RULES:
                rule = self.rules.setdefault(key, f"rule_{len(self.rules)}")
                yield f"{rule}({keys}, {action.sp}, {var})"

    def pair(self, action: Pair, var: str, element: Element, keys: str) -> Iterator[str]:
        """A composite row where every component has rows; nothing is built when an element they need is absent."""
        needed = [test for _, paths in action.parts if (test := self.present(paths, var, element))]
        parts = [self.fresh("c") for _ in action.parts]
        lines: list[str] = []
        for part, (feed, paths) in zip(parts, action.parts, strict=True):
            lines.append(f"{part} = Keys({_lists(feed.kind)})")
            for path in paths:
                tree = Tree()
                tree.add(path.steps, feed)
                start = ("r", _whole(self.struct)) if path.resource else (var, element)
                lines.extend(self.walk(tree, *start, part))
        full = [
            "(" + " or ".join(f"{part}.{rows}" for rows in ROWS[feed.kind]) + ")"
            for part, (feed, _) in zip(parts, action.parts, strict=True)
        ]
        yield f"if {' and '.join(needed) or 'True'}:"
        yield from _indented(lines)
        yield f"    if {' and '.join(full)}:"
        yield f"        {keys}.composite.append(({action.sp}, ({', '.join(parts)},)))"

    def present(self, paths: Sequence[Branch], var: str, element: Element) -> str:
        """A test that some path's first element is there; "" where that cannot be told by one look."""
        tests: list[str] = []
        for path in paths:
            first = path.steps[0] if path.steps else None
            if not isinstance(first, Field):
                return ""
            start = ("r", _whole(self.struct)) if path.resource else (var, element)
            tests.extend(f"{start[0]}.{found.attribute} is not None" for found in _find(start[1], first))
        return "(" + " or ".join(tests) + ")"


def _find(element: Element, step: Field) -> tuple[Element, ...]:
    """The attributes that a step stands for. A cast to a type that the choice lacks is refused, as is an unknown name."""
    if element.struct is None:
        raise Unreadable(f"{element.type} has no element {step.name}")
    known = elements(element.struct)
    name = step.name + step.cast[:1].upper() + step.cast[1:]
    found = known.get(name)
    if found is None:
        raise Unreadable(f"{element.struct.__name__} has no element {name}")
    return tuple(one._replace(type=name[len(step.name) :]) for one in found) if step.cast else found


def _indented(lines: Iterator[str] | list[str], depth: int = 1) -> Iterator[str]:
    return ("    " * depth + line for line in lines)


__all__ = ["Feed", "Pair", "Tree", "Truth", "grow", "source"]
