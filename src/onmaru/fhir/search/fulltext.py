"""`_text` and `_content` (R4 search 3.1.1.4.15): words, "phrases", begin*, AND, OR and parentheses, in Korean and English.

Its one law: `holds` is the meaning; an index only says where to look.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from onmaru.fhir.query import Text, Value
from onmaru.fhir.search.human import is_unspaced, narratives, sentences, words

SHORTEST = 4
"""Letters that the beginning of a Latin word has at least."""
LONGEST = 1000
DEEPEST = 20
MOST = 50
_PART = re.compile(r'\s*(?:"(?P<phrase>[^"]*)"|(?P<sign>[()])|(?P<word>[^\s()"]+))')


class Wrong(ValueError):
    """A query that cannot be read; the text says why and never repeats it."""


class Phrase(msgspec.Struct, frozen=True):
    """Words that stand one after another. `begins`: the last is the beginning of a word."""

    words: tuple[str, ...]
    begins: bool = False


class All(msgspec.Struct, frozen=True):
    of: tuple[Sought, ...]


class Some(msgspec.Struct, frozen=True):
    of: tuple[Sought, ...]


Sought = Phrase | All | Some


def holds(body: bytes, values: Sequence[Value], *, narrative: bool) -> bool:
    """Whether a resource has what any of the values asks for."""
    found = [words(text) for text in narratives(body)]
    if not narrative:
        found += [words(text) for text in sentences(body)]
    return any(_holds(found, sought(value.text)) for value in values if isinstance(value, Text))


def _holds(found: Sequence[Sequence[str]], asked: Sought) -> bool:
    if isinstance(asked, Phrase):
        return any(_stands(text, asked) for text in found)
    return (all if isinstance(asked, All) else any)(_holds(found, one) for one in asked.of)


def _stands(text: Sequence[str], phrase: Phrase) -> bool:
    length = len(phrase.words)
    return any(_here(text[at : at + length], phrase) for at in range(len(text) - length + 1))


def _here(text: Sequence[str], phrase: Phrase) -> bool:
    last = len(phrase.words) - 1
    return all(
        _same(there, word, opens=at == 0, closes=at == last, begins=phrase.begins)
        for at, (there, word) in enumerate(zip(text, phrase.words, strict=True))
    )


def _same(there: str, word: str, *, opens: bool, closes: bool, begins: bool) -> bool:
    """What is unspaced may at the edge of a phrase be a part of a longer word: 위암 finds 위암으로, 암 finds 위암."""
    if not is_unspaced(word):
        return there.startswith(word) if closes and begins else there == word
    if opens and closes:
        return word in there
    if opens:
        return there.endswith(word)
    return there.startswith(word) if closes else there == word


@lru_cache(maxsize=1024)
def sought(text: str) -> Sought:
    """The query as a tree; AND binds closer than OR and may be left out. Raises Wrong."""
    if len(text) > LONGEST:
        raise Wrong(f"has at most {LONGEST} characters")
    return _Reader(text).whole()


def phrases(asked: Sought) -> Sequence[Phrase]:
    """Every phrase of a query."""
    return [asked] if isinstance(asked, Phrase) else [one for each in asked.of for one in phrases(each)]


class _Reader:
    def __init__(self, text: str) -> None:
        self.parts = [(found.lastgroup or "", found[found.lastgroup or 0]) for found in _PART.finditer(text)]
        if sum(len(found[0]) for found in _PART.finditer(text)) != len(text.rstrip()):
            raise Wrong("a quotation mark is not closed")
        if len(self.parts) > MOST:
            raise Wrong(f"has at most {MOST} words")
        self.at = 0

    def whole(self) -> Sought:
        found = self.some(0)
        if self.at < len(self.parts):
            raise Wrong("a parenthesis does not open")
        return found

    def peek(self) -> tuple[str, str]:
        return self.parts[self.at] if self.at < len(self.parts) else ("", "")

    def operator(self, name: str) -> bool:
        kind, text = self.peek()
        if kind == "word" and text.upper() == name:
            self.at += 1
            return True
        return False

    def some(self, depth: int) -> Sought:
        found = [self.all(depth)]
        while self.operator("OR"):
            found.append(self.all(depth))
        return found[0] if len(found) == 1 else Some(tuple(found))

    def all(self, depth: int) -> Sought:
        found = [self.one(depth)]
        while self.operator("AND") or self._goes_on():
            found.append(self.one(depth))
        return found[0] if len(found) == 1 else All(tuple(found))

    def _goes_on(self) -> bool:
        kind, text = self.peek()
        return bool(kind) and text != ")" and not (kind == "word" and text.upper() == "OR")

    def one(self, depth: int) -> Sought:
        kind, text = self.peek()
        if not kind or text == ")" or (kind == "word" and text.upper() in ("AND", "OR")):
            raise Wrong("a word is missing")
        self.at += 1
        if kind != "sign":
            return _phrase(text, begins=kind == "word" and text.endswith("*"))
        if depth >= DEEPEST:
            raise Wrong("nests too deep")
        found = self.some(depth + 1)
        if self.peek()[1] != ")":
            raise Wrong("a parenthesis is not closed")
        self.at += 1
        return found


def _phrase(text: str, *, begins: bool) -> Phrase:
    found = tuple(words(text))
    if not found:
        raise Wrong("has no letter or digit to look for")
    if begins and not is_unspaced(found[-1]) and len(found[-1]) < SHORTEST:
        raise Wrong(f"the beginning of a word has at least {SHORTEST} letters")
    return Phrase(found, begins)
