"""The text for people in a resource: its narrative, and what stands in elements that are written in words.

Its one law: it looks at compact JSON alone, so that a stored body gives the same words whenever it is asked.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

import msgspec

from onmaru.fhir.search.folding import normal

ELEMENTS = frozenset(
    (
        b"abatementString administrationInstruction ageString alias allowedString amountString answerString authorString "
        b"availabilityExceptions bornString brand cancelledReason city clinicalRecommendationStatement color comment "
        b"conclusion contentString copyright country deceasedString defaultValueMarkdown defaultValueString description "
        b"detailString deviceName diagnostics disclaimer display disposition district documentation extraDetails family "
        b"given guidance instruction label line manufacturer meaningWhenMissing name note occurrenceString onsetString "
        b"outcomeDesc overrideReason patientInstruction performedString postConditions preConditions prefix "
        b"preparationInstruction publisher purpose question rationale requirements scheduledString short shortTitle "
        b"situation state statusReason subtitle suffix summary synonym text textEquivalent title usage usedString "
        b"valueMarkdown valueString"
    ).split()
)
"""Elements of R4 whose type is string or markdown and whose content is words, not an identifier, a path or a version."""
_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_FOUND = re.compile(rb'"(\w+)":(?:(%b)|\[((?:%b,?)+)\])' % (_STRING, _STRING))
_NARRATIVE = re.compile(rb'"div":(%b)' % _STRING)
_ITEM = re.compile(_STRING)
# Tags within a line of text part no words
_INLINE = re.compile(r"</?(?:a|abbr|b|bdo|big|cite|code|dfn|em|i|q|s|small|span|strong|sub|sup|tt|u)(?:\s[^>]*)?>")
_TAG = re.compile(r"<[^>]*>")
_UNSPACED = "가-힣\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(f"[{_UNSPACED}]+|[^\\W_{_UNSPACED}]+")
_OPEN = re.compile(f"[{_UNSPACED}]")


def sentences(body: bytes) -> Iterator[str]:
    """Every text outside of narratives."""
    if b"\\" in body:
        for name, one, several in _FOUND.findall(body):
            if name in ELEMENTS:
                yield from map(_text, [one] if one else _ITEM.findall(several))
        return
    # Without an escaped quotation mark every second part is a string; this takes a third of the time
    parts = body.split(b'"')
    for at in [at for at, part in enumerate(parts) if part in ELEMENTS]:
        between, value = parts[at + 1], at + 2
        if between not in (b":", b":["):
            continue
        yield parts[value].decode("utf-8", "replace")
        while between != b":" and parts[value + 1] == b",":
            value += 2
            yield parts[value].decode("utf-8", "replace")


def narratives(body: bytes) -> Iterator[str]:
    """Every narrative without its tags, those of sections and of what is contained among them."""
    for found in _NARRATIVE.finditer(body):
        yield html.unescape(_TAG.sub(" ", _INLINE.sub("", _text(found[1]))))


def _text(literal: bytes) -> str:
    if b"\\" in literal:
        return str(msgspec.json.decode(literal))
    return literal[1:-1].decode("utf-8", "replace")


@lru_cache(maxsize=16_384)  # what a hospital writes it writes again
def words(text: str) -> Sequence[str]:
    """The words of one text in order, folded; a run of letters that are written without spaces is one word."""
    return tuple(_WORD.findall(normal(text)))


def is_unspaced(word: str) -> bool:
    """Whether it is of Hangul, kana or Han: such a word is found within longer ones, for endings and compounds join it."""
    return _OPEN.match(word) is not None
