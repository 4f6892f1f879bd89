"""The text of an expression to tokens (FHIRPath 2.0.0, Lexical Elements). Linear in the length of the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from onmaru.fhir.fhirpath.errors import syntax

TokenKind = Literal[
    "number", "long", "string", "name", "quoted", "doubled", "datetime", "date", "time", "symbol", "end"
]
LONGEST = 64 * 1024
"""Characters of one expression."""

_TIME = r"[0-9]{2}(?::[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?"
_DATE = r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?"
_PATTERNS = (
    ("space", r"[ \t\r\n]+|//[^\r\n]*|/\*.*?\*/"),
    ("unclosed", r"/\*"),
    ("datetime", rf"@{_DATE}T(?:{_TIME}(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})?)?"),
    ("date", rf"@{_DATE}"),
    ("time", rf"@T{_TIME}"),
    ("long", r"[0-9]+L(?![A-Za-z0-9_])"),
    ("number", r"[0-9]+(?:\.[0-9]+)?"),
    ("string", r"'(?:[^'\\]|\\.)*'"),
    ("quoted", r"`(?:[^`\\]|\\.)*`"),
    ("doubled", r'"(?:[^"\\]|\\.)*"'),  # FHIR's own %"vs-name"
    ("name", r"[A-Za-z_][A-Za-z0-9_]*"),
    ("symbol", r"\$(?:this|index|total)\b|<=|>=|!=|!~|[-+*/&|=~<>.,()\[\]{}:%]"),
)
_TOKEN = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _PATTERNS), re.ASCII | re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_LETTERS = {"r": "\r", "n": "\n", "t": "\t", "f": "\f"}


class Token(NamedTuple):
    """`text` is the value: without quotes and with escapes undone. `at` and `end` are places in the expression."""

    kind: TokenKind
    text: str
    at: int
    end: int


def tokens(expression: str) -> list[Token]:
    """Every token and one `end`. Raises PathError where no token begins."""
    if len(expression) > LONGEST:
        raise syntax(f"the expression is longer than {LONGEST} characters", LONGEST)
    return [*_scan(expression), Token("end", "", len(expression), len(expression))]


def _scan(expression: str) -> Iterator[Token]:
    place = 0
    while place < len(expression):
        match = _TOKEN.match(expression, place)
        if match is None:
            raise syntax(_trouble(expression[place]), place)
        kind = match.lastgroup
        if kind == "unclosed":
            raise syntax("a comment is not closed", place)
        if kind != "space":
            text = match[0]
            if kind in ("string", "quoted", "doubled"):
                text = _unescaped(text[1:-1], place)
            yield Token(kind, text, place, match.end())  # type: ignore[arg-type]  # one group always matches
        place = match.end()


def _trouble(first: str) -> str:
    if first in "'`\"":
        return "a quotation mark is not closed"
    return "no date or time follows @" if first == "@" else "unexpected character"


def _unescaped(text: str, at: int) -> str:
    """Escapes undone; a backslash before any other character is dropped; halves of a surrogate pair are joined."""
    if "\\" not in text:
        return text

    def put(match: re.Match[str]) -> str:
        return chr(int(match[1], 16)) if match[1] else _LETTERS.get(match[2], match[2])

    try:
        return _ESCAPE.sub(put, text).encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise syntax("a string holds half of a surrogate pair", at) from None
