"""The FHIRPath subset that R4 SearchParameters are written in: text to tree; the rest is refused, never skipped."""

from __future__ import annotations

import re
from functools import cache

import msgspec

TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^'\\]|\\.)*')|(?P<number>\d+)|(?P<name>%?[A-Za-z_]\w*)|(?P<sign>!=|[|().,\[\]=]))"
)


class Name(msgspec.Struct, frozen=True):
    """A path's first word: a type name, an element of the context or `%resource`."""

    name: str


class Member(msgspec.Struct, frozen=True):
    """`of.name`."""

    of: Node
    name: str


class Call(msgspec.Struct, frozen=True):
    """`of.function(argument)`; of is None for a function on the context itself."""

    of: Node | None
    function: str
    argument: Node | None


class Index(msgspec.Struct, frozen=True):
    """`of[number]`, counted from 0."""

    of: Node
    number: int


class Cast(msgspec.Struct, frozen=True):
    """`of as type`, `of.as(type)`, `of.ofType(type)`."""

    of: Node
    type: str


class Is(msgspec.Struct, frozen=True):
    """`of is type`."""

    of: Node
    type: str


class Both(msgspec.Struct, frozen=True):
    """`left and right`."""

    left: Node
    right: Node


class Equal(msgspec.Struct, frozen=True):
    """`left = right`, or `!=` when not `same`."""

    left: Node
    right: Node
    same: bool


class Either(msgspec.Struct, frozen=True):
    """`a | b | …`: all that any of them gives."""

    of: tuple[Node, ...]


class Literal(msgspec.Struct, frozen=True):
    """A string or a boolean."""

    value: str | bool


Node = Name | Member | Call | Index | Cast | Is | Both | Equal | Either | Literal
FUNCTIONS = frozenset({"where", "exists", "resolve", "extension", "hasExtension"})


class Unreadable(ValueError):
    """An expression outside the subset."""


@cache  # one expression serves up to thirty types
def parse_expression(text: str) -> Node:
    """The tree of one expression; raises Unreadable with the place where the subset ends."""
    return _Reader(text).whole()


class _Reader:
    """Recursive descent, one method a level: either > both > equal > cast > path."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[str] = []
        at = 0
        end = len(text.rstrip())
        while at < end:
            found = TOKEN.match(text, at)
            if found is None:
                raise Unreadable(f"character {at} of {text!r}")
            self.tokens.append(found[0].strip())
            at = found.end()
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.peek()
        if not token or (wanted and token != wanted):
            raise Unreadable(f"token {self.at} of {self.text!r}: {wanted or 'a word'} expected")
        self.at += 1
        return token

    def word(self) -> str:
        token = self.take()
        if not (token[0].isalpha() or token[0] in "_%"):
            raise Unreadable(f"token {self.at} of {self.text!r}: a name expected")
        return token

    def digits(self) -> int:
        token = self.take()
        if not token.isdigit():
            raise Unreadable(f"token {self.at} of {self.text!r}: a number expected")
        return int(token)

    def whole(self) -> Node:
        node = self.both()
        if self.peek():
            raise Unreadable(f"token {self.at} of {self.text!r}")
        return node

    def both(self) -> Node:
        node = self.equal()
        while self.peek() == "and":
            self.take()
            node = Both(node, self.equal())
        return node

    def equal(self) -> Node:
        node = self.either()
        while self.peek() in ("=", "!="):
            same = self.take() == "="
            node = Equal(node, self.either(), same)
        return node

    def either(self) -> Node:
        nodes = [self.typed()]
        while self.peek() == "|":
            self.take()
            nodes.append(self.typed())
        return nodes[0] if len(nodes) == 1 else Either(tuple(nodes))

    def typed(self) -> Node:
        node = self.path()
        while self.peek() in ("as", "is"):
            node = Cast(node, self.word()) if self.take() == "as" else Is(node, self.word())
        return node

    def path(self) -> Node:
        node = self.head()
        while self.peek() in (".", "["):
            if self.take() == "[":
                node = Index(node, self.digits())
                self.take("]")
            else:
                node = self.member(node, self.word())
        return node

    def head(self) -> Node:
        word = self.peek()
        if word == "(":
            self.take()
            node = self.both()
            self.take(")")
            return node
        if word.startswith("'"):
            return Literal(re.sub(r"\\(.)", r"\1", self.take()[1:-1]))
        if word in ("true", "false"):
            return Literal(self.take() == "true")
        name = self.word()
        return self.member(None, name) if self.peek() == "(" else Name(name)

    def member(self, of: Node | None, name: str) -> Node:
        if self.peek() != "(":
            if of is None:
                return Name(name)
            return Member(of, name)
        self.take("(")
        argument = None if self.peek() == ")" else self.both()
        self.take(")")
        return self.call(of, name, argument)

    def call(self, of: Node | None, name: str, argument: Node | None) -> Node:
        if name in ("as", "ofType", "is") and of is not None and isinstance(argument, Name):
            return Is(of, argument.name) if name == "is" else Cast(of, argument.name)
        if name not in FUNCTIONS:
            raise Unreadable(f"function {name} in {self.text!r}")
        return Call(of, name, argument)
