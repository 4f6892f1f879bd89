"""Expressions flattened: each alternative of a tree becomes one straight path of steps that the compiler can share."""

from __future__ import annotations

import msgspec

from onmaru.fhir.search.expression import (
    Both,
    Call,
    Cast,
    Either,
    Equal,
    Index,
    Is,
    Literal,
    Member,
    Name,
    Node,
    Unreadable,
)


class Field(msgspec.Struct, frozen=True):
    """An element; `cast` narrows a choice to one type, `number` takes one of a list."""

    name: str
    cast: str = ""
    number: int | None = None


class Where(msgspec.Struct, frozen=True):
    """Only elements on which the condition holds."""

    condition: Node


class Extension(msgspec.Struct, frozen=True):
    """The extensions with this url."""

    url: str


class Truth(msgspec.Struct, frozen=True):
    """The boolean that a condition gives."""

    condition: Node


Step = Field | Where | Extension | Truth


class Branch(msgspec.Struct, frozen=True):
    """One alternative: from the context, or from the whole resource when `resource`."""

    steps: tuple[Step, ...]
    resource: bool = False

    def then(self, step: Step) -> Branch:
        return Branch((*self.steps, step), self.resource)


ROOTS = ("Resource", "DomainResource")


def branches(node: Node, type: str) -> list[Branch]:
    """The alternatives that apply to `type`; those of other types are left out. Raises Unreadable."""
    if isinstance(node, Name):
        return _named(node.name, type)
    if isinstance(node, Either):
        return [branch for one in node.of for branch in branches(one, type)]
    if isinstance(node, Member):
        return [branch.then(Field(node.name)) for branch in branches(node.of, type)]
    if isinstance(node, Index | Cast):
        return [_narrowed(branch, node) for branch in branches(node.of, type)]
    if isinstance(node, Call):
        return _called(node, type)
    if isinstance(node, Both | Equal | Is):
        return [Branch((Truth(node),))]
    raise Unreadable(f"{node!r} is no path")


def _named(name: str, type: str) -> list[Branch]:
    if name == "%resource":
        return [Branch((), resource=True)]
    if name == type or name in ROOTS:
        return [Branch(())]
    return [] if name[0].isupper() else [Branch((Field(name),))]


def _narrowed(branch: Branch, node: Index | Cast) -> Branch:
    last = branch.steps[-1] if branch.steps else None
    if not isinstance(last, Field):
        raise Unreadable(f"{node!r} does not narrow an element")
    field = Field(last.name, node.type) if isinstance(node, Cast) else Field(last.name, last.cast, node.number)
    return Branch((*branch.steps[:-1], field), branch.resource)


def _called(node: Call, type: str) -> list[Branch]:
    if node.of is None or node.argument is None:
        raise Unreadable(f"{node.function} gives no element")
    if node.function == "where":
        return [branch.then(Where(node.argument)) for branch in branches(node.of, type)]
    if node.function == "extension" and isinstance(node.argument, Literal):
        return [branch.then(Extension(str(node.argument.value))) for branch in branches(node.of, type)]
    raise Unreadable(f"{node.function} gives no element")
