"""§5.6 String manipulation, and the additional string functions (STU)."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

from onmaru.fhir.fhirpath import patterns
from onmaru.fhir.fhirpath.errors import execution
from onmaru.fhir.fhirpath.functions.registry import Arguments, function
from onmaru.fhir.fhirpath.node import value_of
from onmaru.fhir.fhirpath.run import Collection, Run
from onmaru.fhir.fhirpath.singles import integer, string
from onmaru.fhir.fhirpath.values import kind

TextBody = TypeVar("TextBody", bound=Callable[..., Any])
_SPACE = " \t\r\n"
_JSON_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_JSON_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def _text(name: str, least: int = 0, most: int | None = None) -> Callable[[TextBody], TextBody]:
    """Enter a function of a String: `body(run, text, *arguments)`, not called where input or a needed argument is empty."""

    def enter(body: TextBody) -> TextBody:
        @function(name, least, most)
        def call(run: Run, items: Collection, arguments: Arguments) -> Collection:
            values = [argument(run) for argument in arguments]
            given = string(items)
            if given is None or not all(values[:least]):
                return []
            answer = body(run, given, *values)
            return answer if isinstance(answer, list) else [] if answer is None else [answer]

        return body

    return enter


@_text("indexOf", 1)
def index_of(run: Run, text: str, part: Collection) -> int:
    return text.find(string(part) or "")


@_text("lastIndexOf", 1)
def last_index_of(run: Run, text: str, part: Collection) -> int:
    return text.rfind(string(part) or "")


@_text("substring", 1, 2)
def substring(run: Run, text: str, start: Collection, length: Collection = ()) -> str | None:  # type: ignore[assignment]  # () is one
    begin = integer(start)
    count = integer(length)
    if begin is None or not 0 <= begin < len(text):
        return None
    return text[begin:] if count is None else text[begin : begin + max(0, count)]


@_text("startsWith", 1)
def starts_with(run: Run, text: str, part: Collection) -> bool:
    return text.startswith(string(part) or "")


@_text("endsWith", 1)
def ends_with(run: Run, text: str, part: Collection) -> bool:
    return text.endswith(string(part) or "")


@_text("contains", 1)
def contains(run: Run, text: str, part: Collection) -> bool:
    return (string(part) or "") in text


@_text("upper")
def upper(run: Run, text: str) -> str:
    return text.upper()


@_text("lower")
def lower(run: Run, text: str) -> str:
    return text.lower()


@_text("length")
def length_(run: Run, text: str) -> int:
    return len(text)


@_text("toChars")
def to_chars(run: Run, text: str) -> list[str]:
    return list(text)


@_text("replace", 2)
def replace(run: Run, text: str, pattern: Collection, substitution: Collection) -> str:
    old, new = string(pattern) or "", string(substitution) or ""
    times = text.count(old)
    run.afford(len(text) + times * (len(new) - len(old)))
    return text.replace(old, new)


@_text("matches", 1, 2)
def matches(run: Run, text: str, pattern: Collection, flags: Collection = ()) -> bool:  # type: ignore[assignment]  # () is one
    return patterns.found(run, text, string(pattern) or "", string(flags) or "")


@_text("matchesFull", 1, 2)
def matches_full(run: Run, text: str, pattern: Collection, flags: Collection = ()) -> bool:  # type: ignore[assignment]  # () is one
    return patterns.found(run, text, string(pattern) or "", string(flags) or "", whole=True)


@_text("replaceMatches", 2, 3)
def replace_matches(
    run: Run,
    text: str,
    pattern: Collection,
    substitution: Collection,
    flags: Collection = (),  # type: ignore[assignment]  # () is one
) -> str:
    return patterns.replaced(run, text, string(pattern) or "", string(substitution) or "", string(flags) or "")


@_text("encode", 1)
def encode(run: Run, text: str, form: Collection) -> str | None:
    run.afford(2 * len(text))
    raw = text.encode()
    named = string(form)
    if named == "hex":
        return raw.hex()
    if named == "base64":
        return base64.b64encode(raw).decode()
    if named == "urlbase64":
        return base64.urlsafe_b64encode(raw).decode()
    if named == "ascii":
        return text.encode("ascii", "replace").decode()
    raise execution("encode() knows hex, base64, urlbase64 and ascii")


@_text("decode", 1)
def decode(run: Run, text: str, form: Collection) -> str | None:
    named = string(form)
    try:
        if named == "hex":
            return bytes.fromhex(text).decode()
        if named == "base64":
            return base64.b64decode(text, validate=True).decode()
        if named == "urlbase64":
            return base64.b64decode(text.translate(str.maketrans("-_", "+/")), validate=True).decode()
    except (ValueError, binascii.Error):
        return None
    raise execution("decode() knows hex, base64 and urlbase64")


@_text("escape", 1)
def escape(run: Run, text: str, target: Collection) -> str:
    run.afford(6 * len(text))
    named = string(target)
    if named == "html":
        return html.escape(text).replace("&#x27;", "&#39;")
    if named == "json":
        return json.dumps(text, ensure_ascii=False)[1:-1]
    raise execution("escape() knows html and json")


@_text("unescape", 1)
def unescape(run: Run, text: str, target: Collection) -> str:
    named = string(target)
    if named == "html":
        return html.unescape(text)
    if named == "json":
        return _JSON_ESCAPE.sub(_json_character, text)
    raise execution("unescape() knows html and json")


def _json_character(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else _JSON_LETTERS.get(match[2], match[2])


@_text("trim")
def trim(run: Run, text: str) -> str:
    return text.strip(_SPACE)


@_text("split", 1)
def split(run: Run, text: str, separator: Collection) -> list[str]:
    between = string(separator)
    return text.split(between) if between else list(text)


@function("join", 0, 1)
def join(run: Run, items: Collection, arguments: Arguments) -> Collection:
    between = (string(arguments[0](run)) if arguments else None) or ""
    parts = [value_of(item) for item in items]
    if not parts:
        return []
    if any(kind(part) != "String" for part in parts):
        raise execution("join() takes Strings")
    run.afford(sum(map(len, parts)) + len(between) * len(parts))
    return [between.join(parts)]
