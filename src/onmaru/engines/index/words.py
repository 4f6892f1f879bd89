"""Words in the index: keyed hashes among the codes, of free text only, and where to look for a word.

What a coded element is displayed as, or a string parameter says, is in the tables already and is looked for there. Its one
law: where a resource has a word, it is among the candidates; bodies decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from pyroaring import BitMap

from onmaru.engines.index.marks import URIS
from onmaru.fhir import search
from onmaru.fhir.keys import Keys
from onmaru.fhir.query import Clause, Text
from onmaru.fhir.search.catalogue import CONTENT, NARRATIVE
from onmaru.fhir.search.fulltext import SHORTEST, All, Phrase, Sought, sought
from onmaru.fhir.search.human import is_unspaced, narratives, sentences, words


def terms(body: bytes, keys: Keys) -> list[tuple[int, str]]:
    """(parameter, what is hashed) for the narrative's words, and for those of other text that no key has."""
    found: dict[tuple[int, str], None] = {}
    if b'"div":' in body:
        for text in narratives(body):
            found.update(dict.fromkeys((NARRATIVE, term) for term in _kept(text)))
    known = {text for _, text in keys.text}
    known.update([text for _, text in keys.string])
    for text in dict.fromkeys(sentences(body)):
        if text not in known:
            for term in _kept(text):
                found[CONTENT, term] = None
    return list(found)


@lru_cache(maxsize=16_384)  # what a hospital writes it writes again
def _kept(text: str) -> Sequence[str]:
    """What the words of a text are found by, each once."""
    return tuple(dict.fromkeys(term for word in words(text) for term in _parts(word)))


def _parts(word: str) -> Iterator[str]:
    """What is unspaced by its letters and pairs of them, others by how they begin."""
    if is_unspaced(word):
        yield from (_mark(one) for one in word)
        yield from (_mark(word[at : at + 2]) for at in range(len(word) - 1))
        return
    yield _mark(word[:SHORTEST])


def _mark(text: str) -> str:
    return "\x00word\x00" + text


def candidates(file: Any, clause: Clause) -> BitMap:
    """Positions of all that may have what any of the values asks for."""
    look = _Look(file, narrative=clause.parameter.sp == NARRATIVE)
    return _union(look.sought(sought(value.text)) for value in clause.values if isinstance(value, Text))


class _Look:
    """Looks words up in one file."""

    def __init__(self, file: Any, *, narrative: bool) -> None:
        self._file = file
        self._narrative = narrative

    def sought(self, asked: Sought) -> BitMap:
        if isinstance(asked, Phrase):
            return BitMap.intersection(*(self._word(word) for word in asked.words))
        found = [self.sought(one) for one in asked.of]
        return BitMap.intersection(*found) if isinstance(asked, All) else _union(found)

    def _word(self, word: str) -> BitMap:
        found = BitMap.intersection(*(self._hashed(mark) for mark in _asked(word)))
        return found if self._narrative else found | self._shown(word)

    def _hashed(self, mark: str) -> BitMap:
        code = self._file.names.code(mark)
        here = self._read("SELECT t FROM tok WHERE sp = ? AND c = ? AND s = 0", (NARRATIVE, code))
        if self._narrative:
            return here
        return here | self._read("SELECT t FROM tok WHERE sp = ? AND c = ? AND s = 0", (CONTENT, code))

    def _shown(self, word: str) -> BitMap:
        """Among displays of codes and in the strings that are searched by."""
        text = search.normal(word)
        found = self._read("SELECT t FROM str WHERE instr(norm, ?) > 0", (text,))
        rows = "SELECT DISTINCT sp, c, s FROM txt WHERE instr(norm, ?) > 0"
        for sp, c, s in self._file.db.execute(rows, (text,)).fetchall():
            if sp not in URIS:
                found |= self._read("SELECT t FROM tok WHERE sp = ? AND c = ? AND s = ?", (sp, c, s))
        return found

    def _read(self, sql: str, values: tuple[object, ...]) -> BitMap:
        found: BitMap = self._file.scanned(sql, values)
        return found


def _asked(word: str) -> Sequence[str]:
    if is_unspaced(word):
        return [_mark(word[at : at + 2]) for at in range(max(1, len(word) - 1))]
    return [_mark(word[:SHORTEST])]


def _union(parts: Iterable[BitMap]) -> BitMap:
    return BitMap.union(BitMap(), *parts)
