"""The conditions of the v2-to-FHIR tables as small trees; what cannot be read is None and is reported, never guessed."""

from __future__ import annotations

import re
from typing import Any

Tree = list[Any]

_TOKEN = re.compile(
    r'\s*(?:(?P<quoted>"[^"]*"|\'[^\']*\')|(?P<ref>[A-Z][A-Z0-9]{1,2}[-.]\d+(?:\.\d+)?)|(?P<word>[A-Za-z][A-Za-z]*)'
    r"|(?P<number>\d+)|(?P<mark>[()=<>,]))"
)
_SKIPPED = {"IF", "IS", "LST", "DOES", "TO", "THAN", "AREA", "VALUE"}


class Unreadable(ValueError):
    """The condition uses words outside the small language."""


def _tokens(text: str) -> list[tuple[str, str]]:
    text = text.strip().replace("LST.", "LST ").replace("PL3.NOT", "PL.3 NOT").replace("ERROR", "")
    text = re.sub(r"\bVALUE\b", "VALUED", text).replace('U", X")', 'U", "X")')
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match:
            if text[at:].strip():
                raise Unreadable(text[at:])
            break
        at = match.end()
        kind = str(match.lastgroup)
        value = match.group(kind)
        if kind == "word":
            value = value.upper()
            if value in _SKIPPED:
                continue
        found.append((kind, value))
    return found


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]], own: str) -> None:
        self.tokens, self.at, self.own = tokens, 0, own

    def peek(self, ahead: int = 0) -> tuple[str, str]:
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else ("end", "")

    def take(self, value: str = "") -> bool:
        if self.peek()[1] == value:
            self.at += 1
            return True
        return False

    def either(self) -> Tree:
        left = self.both()
        while self.take("OR"):
            left = ["or", left, self.both()]
        return left

    def both(self) -> Tree:
        left = self.one()
        while self.peek()[1] == "AND" or self.peek()[0] == "ref":
            self.take("AND")
            left = ["and", left, self.one()]
        return left

    def one(self) -> Tree:
        if self.take("("):
            inner = self.either()
            self.take(")")
            return inner
        subjects, joint = [self.subject()], "and"
        while self.peek()[1] in ("AND", "OR") and self._is_subject(1) and not self._predicated():
            joint = self.peek()[1].lower()
            self.at += 1
            subjects.append(self.subject())
        trees = self.predicates(subjects)
        tree = trees[0]
        for other in trees[1:]:
            tree = [joint, tree, other]
        return tree

    def _is_subject(self, ahead: int) -> bool:
        kind, value = self.peek(ahead)
        return kind == "ref" or (kind == "word" and len(value) == 3 and value not in ("AND", "NOT"))

    def _predicated(self) -> bool:
        return self.at > 0 and self.peek(-1)[1] == "VALUED"

    def subject(self) -> str:
        kind, value = self.peek()
        if kind == "ref" or (
            kind == "word" and re.fullmatch(r"[A-Z][A-Z0-9]{2}", value) and value not in ("NOT", "AND")
        ):
            self.at += 1
            self.own = value  # a later predicate without a subject speaks of the last one named
            return value
        if value in ("NOT", "VALUED", "=", "EQUALS", "EQUAL", "IN", "LENGTH", "COUNT"):
            return self.own
        raise Unreadable(value)

    def predicates(self, subjects: list[str]) -> list[Tree]:
        start = self.at
        trees = []
        for subject in subjects:
            self.at = start
            trees.append(self.predicate(subject))
        return trees

    def predicate(self, subject: str) -> Tree:
        if self.take("NOT"):
            if self.take("EXIST"):
                return ["not", ["valued", subject]]
            return ["not", self.predicate(subject)]
        if self.take("VALUED"):
            more = self.peek()[1] in ("NOT", "EQUAL", "EQUALS")
            return ["and", ["valued", subject], self.predicate(subject)] if more else ["valued", subject]
        if self.take("EMPTY"):
            return ["not", ["valued", subject]]
        if self.take("IN"):
            return ["in", subject, self.listed()]
        for word in ("COUNT", "LENGTH"):
            if self.take(word):
                return [word.lower(), subject, *self.compared()]
        self.take("EQUALS") or self.take("EQUAL") or self.take("=")
        return self.equal(subject)

    def equal(self, subject: str) -> Tree:
        kind, value = self.peek()
        self.at += 1
        if kind == "quoted":
            return ["in", subject, [value[1:-1]]]
        if kind == "ref":
            return ["same", subject, value]
        if kind in ("end",) or value in ("AND", "OR", ")"):
            self.at -= 1
            return ["valued", subject]
        raise Unreadable(value)

    def listed(self) -> list[str]:
        self.take("(")
        values = []
        while self.peek()[0] == "quoted" or self.peek()[1] == ",":
            if self.peek()[0] == "quoted":
                values.append(self.peek()[1][1:-1])
            self.at += 1
        self.take(")")
        if not values:
            raise Unreadable("empty list")
        return values

    def compared(self) -> Tree:
        words = []
        while self.peek()[0] != "number":
            if self.peek()[0] == "end":
                raise Unreadable("number missing")
            words.append(self.peek()[1])
            self.at += 1
        number = int(self.peek()[1])
        self.at += 1
        text = " ".join(words)
        if text.startswith(("GREATER", ">")):
            return [">", number]
        if text.startswith(("LESS", "<")):
            return ["<=", number]
        return ["=", number]


def read(text: str, own: str) -> Tree | None:
    """Give the tree of a condition about the field `own` (such as PID-3); None for an empty condition.

    Trees: ["valued", ref] · ["in", ref, [codes]] · ["same", ref, ref] · ["count"|"length", ref, "="|">"|"<=", n] ·
    ["not", tree] · ["and"|"or", tree, tree]. A ref is SEG-n, SEG-n.m, TYPE.n or a bare SEG.
    """
    if not text.strip():
        return None
    reader = _Reader(_tokens(text), own)
    tree = reader.either()
    if reader.peek()[0] != "end" and reader.peek()[1] != ")":
        raise Unreadable(reader.peek()[1])
    return tree
