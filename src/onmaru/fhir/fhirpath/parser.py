"""Tokens to the tree, by the grammar's own precedence. Nesting and chains of operators are bounded, so that neither
reading nor compiling nor evaluating an expression can exhaust the stack."""

from __future__ import annotations

from decimal import Decimal

from onmaru.fhir.fhirpath.errors import PathError, syntax, too_costly
from onmaru.fhir.fhirpath.lexer import Token, tokens
from onmaru.fhir.fhirpath.temporal import Date, DateTime, Time
from onmaru.fhir.fhirpath.tree import (
    Binary,
    Call,
    Directed,
    Expression,
    Index,
    Literal,
    Member,
    Path,
    Special,
    Step,
    TypeTest,
    Unary,
    Variable,
)
from onmaru.fhir.fhirpath.values import CALENDAR_UNITS, MAX_INTEGER, MAX_LONG, Long, Quantity

NESTING = 40
"""How deep brackets may nest."""
HEIGHT = 150
"""How many operators may stand one upon another."""
STEPS = 500
"""How many steps one path may have."""

# Operators that bind alike, from the loosest; a type test binds between `+` and `|` (grammar of FHIRPath 2.0.0).
_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"implies"}),
    frozenset({"or", "xor"}),
    frozenset({"and"}),
    frozenset({"in", "contains"}),
    frozenset({"=", "~", "!=", "!~"}),
    frozenset({"<", "<=", ">", ">="}),
    frozenset({"|"}),
    frozenset({"is", "as"}),
    frozenset({"+", "-", "&"}),
    frozenset({"*", "/", "div", "mod"}),
)
_LEVEL = {operator: level for level, operators in enumerate(_LEVELS) for operator in operators}
_WORDS = frozenset({"implies", "or", "xor", "and", "in", "contains", "is", "as", "div", "mod"})
RESERVED = frozenset({"and", "or", "xor", "implies", "div", "mod", "true", "false"})


def parse(expression: str) -> Expression:
    """The tree of an expression. Raises PathError with the place of the first thing that does not fit."""
    return _Parser(expression).whole()


class _Parser:
    def __init__(self, expression: str) -> None:
        self._tokens = tokens(expression)
        self._place = 0
        self._nesting = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._place]

    @property
    def _end(self) -> int:
        return self._tokens[self._place - 1].end if self._place else 0

    def _take(self) -> Token:
        token = self._tokens[self._place]
        if token.kind != "end":
            self._place += 1
        return token

    def _is(self, *symbols: str) -> bool:
        return self._next.kind == "symbol" and self._next.text in symbols

    def _expect(self, symbol: str) -> Token:
        if not self._is(symbol):
            raise syntax(f"expected {symbol}", self._next.at)
        return self._take()

    def whole(self) -> Expression:
        tree, _ = self._expression(0)
        if self._next.kind != "end":
            raise syntax("the expression does not end here", self._next.at)
        return tree

    def _operator(self) -> str:
        token = self._next
        if token.kind == "symbol" or (token.kind == "name" and token.text in _WORDS):
            return token.text if token.text in _LEVEL else ""
        return ""

    def _expression(self, least: int) -> tuple[Expression, int]:
        """Precedence climbing: (tree, its height). Operators looser than `least` are left to the caller."""
        at = self._next.at
        left, height = self._unary()
        while (operator := self._operator()) and _LEVEL[operator] >= least:
            place = self._take().at
            if operator in ("is", "as"):
                left = TypeTest(operator, left, self._type_name(), at, self._end)
                height += 1
            else:
                right, other = self._expression(_LEVEL[operator] + 1)
                left, height = Binary(operator, left, right, at, self._end), max(height, other) + 1
            if height > HEIGHT:
                raise too_costly(f"more than {HEIGHT} operators stand one upon another", place)
        return left, height

    def _unary(self) -> tuple[Expression, int]:
        signs: list[Token] = []
        while self._is("+", "-"):
            signs.append(self._take())
            if len(signs) > NESTING:
                raise too_costly("too many signs", signs[-1].at)
        tree, height = self._path()
        for sign in reversed(signs):
            tree = Unary(sign.text, tree, sign.at, self._end)
        return tree, height + len(signs)

    def _path(self) -> tuple[Expression, int]:
        at = self._next.at
        head, height = self._term()
        steps: list[Step] = []
        if isinstance(head, Path):  # brackets around a path change nothing
            steps, head = list(head.steps), head.head
        while self._is(".", "["):
            token = self._take()
            step: Step
            if token.text == ".":
                step, inner = self._invocation()
            else:
                tree, inner = self._nested()
                self._expect("]")
                step = Index(tree, token.at, self._end)
            steps.append(step)
            if len(steps) > STEPS:
                raise too_costly(f"a path has more than {STEPS} steps", token.at)
            height = max(height, inner + 1)
        return (Path(head, tuple(steps), at, self._end) if steps else head), height

    def _nested(self, least: int = 0) -> tuple[Expression, int]:
        self._nesting += 1
        if self._nesting > NESTING:
            raise too_costly(f"brackets nest deeper than {NESTING}", self._next.at)
        found = self._expression(least)
        self._nesting -= 1
        return found

    def _term(self) -> tuple[Expression, int]:
        token = self._next
        if token.kind == "symbol" and token.text in ("(", "{", "%"):
            return self._bracketed(token)
        if token.kind == "quoted" or (token.kind == "name" and token.text not in ("true", "false")):
            return self._invocation()
        if token.kind == "symbol" and token.text[0] == "$":
            return self._invocation()
        return self._literal(), 1

    def _bracketed(self, token: Token) -> tuple[Expression, int]:
        self._take()
        if token.text == "(":
            tree, height = self._nested()
            self._expect(")")
            return tree, height + 1
        if token.text == "{":
            self._expect("}")
            return Literal(None, token.at, self._end), 1
        name = self._take()
        if name.kind not in ("name", "quoted", "doubled", "string"):
            raise syntax("a name must follow %", name.at)
        return Variable(name.text, token.at, self._end), 1

    def _invocation(self) -> tuple[Member | Special | Call, int]:
        token = self._take()
        if token.kind == "symbol" and token.text[0] == "$":
            return Special(token.text, token.at, token.end), 1
        if token.kind not in ("name", "quoted"):
            raise syntax("expected a name", token.at)
        if token.kind == "name" and token.text in RESERVED:
            raise syntax(f"`{token.text}` is a keyword; put it in backticks to use it as a name", token.at)
        if not self._is("("):
            return Member(token.text, token.at, token.end), 1
        self._take()
        arguments, height = self._arguments(token.text)
        return Call(token.text, arguments, token.at, self._end), height + 1

    def _arguments(self, name: str) -> tuple[tuple[Expression, ...], int]:
        found: list[Expression] = []
        height = 0
        while not self._is(")"):
            if found:
                self._expect(",")
            argument, inner = self._nested()
            if name == "sort" and self._next.kind == "name" and self._next.text in ("asc", "desc"):
                direction = self._take()
                argument = Directed(argument, direction.text == "desc", argument.at, direction.end)
            found.append(argument)
            height = max(height, inner)
        self._take()
        return tuple(found), height

    def _type_name(self) -> str:
        """`Patient`, `FHIR.Patient` or `System.Integer`."""
        parts = [self._identifier()]
        while self._is(".") and self._tokens[self._place + 1].kind in ("name", "quoted"):
            following = self._tokens[self._place + 2]
            if len(parts) > 1 or (following.kind == "symbol" and following.text == "("):
                break
            self._take()
            parts.append(self._identifier())
        return ".".join(parts)

    def _identifier(self) -> str:
        token = self._take()
        if token.kind not in ("name", "quoted"):
            raise syntax("expected the name of a type", token.at)
        return token.text

    def _literal(self) -> Literal:
        token = self._take()
        try:
            return Literal(self._value(token), token.at, self._end)
        except ValueError as error:
            if isinstance(error, PathError):
                raise
            raise syntax(str(error), token.at) from None

    def _value(self, token: Token) -> object:
        if token.kind == "number":
            return self._number(token)
        if token.kind == "long":
            return Long(self._within(int(token.text[:-1]), MAX_LONG, token.at))
        if token.kind == "string":
            return token.text
        if token.kind == "name":
            return token.text == "true"
        if token.kind == "date":
            return Date.read(token.text[1:])
        if token.kind == "datetime":
            return DateTime.read(token.text[1:])
        if token.kind == "time":
            return Time.read(token.text[2:])
        raise syntax("the expression ends too early" if token.kind == "end" else "unexpected symbol", token.at)

    def _number(self, token: Token) -> object:
        if len(token.text) > 100:
            raise syntax("a number has more than 100 digits", token.at)
        unit = self._next
        if unit.kind == "string":
            self._take()
            return Quantity(Decimal(token.text), unit.text, calendar=unit.text in CALENDAR_UNITS)
        if unit.kind == "name" and unit.text in CALENDAR_UNITS:
            self._take()
            return Quantity(Decimal(token.text), unit.text, calendar=True)
        return Decimal(token.text) if "." in token.text else self._within(int(token.text), MAX_INTEGER, token.at)

    def _within(self, number: int, largest: int, at: int) -> int:
        # The smallest is written as the negation of one more than the largest
        negated = any(
            token.end <= at and token.text == "-" for token in self._tokens[max(0, self._place - 2) : self._place]
        )
        if number > largest + negated:
            raise syntax("the number is too large for its type", at)
        return number
