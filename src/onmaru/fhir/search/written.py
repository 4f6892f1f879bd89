"""Search values as they are written: escapes, alternatives, prefixes and implicit ranges (R4 search 3.1.1.4 and 3.1.1.5)."""

from __future__ import annotations

import math
import re
from decimal import Decimal

from onmaru.fhir.query import Date, Number, Parameter, Parts, Prefix, Ref, Text, Token, Value
from onmaru.fhir.search import catalogue
from onmaru.fhir.search.catalogue import CONTENT, LAST_UPDATED, NARRATIVE
from onmaru.fhir.search.context import Context
from onmaru.fhir.search.dates import DAY, span
from onmaru.fhir.search.fulltext import Wrong, sought

PREFIXES: dict[str, Prefix] = {
    "eq": "eq", "ne": "ne", "gt": "gt", "lt": "lt", "ge": "ge", "le": "le", "sa": "sa", "eb": "eb", "ap": "ap",
}  # fmt: skip
DECIMAL = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
IDENTIFIER = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)
RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?", re.ASCII)
ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+")
ESCAPED = re.compile(r"(?:[^\\]|\\[,$|\\])*", re.DOTALL)
LOST_PLUS = re.compile(r"(T[\d:.]+) (\d\d:\d\d)")
APPROXIMATE = Decimal("0.1")


class Malformed(ValueError):
    """A value that its parameter's kind cannot have; the text says why and never repeats the value."""


def split(text: str, separator: str) -> list[str]:
    """Parts between unescaped separators; their escapes are kept."""
    parts, start, at = [], 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == separator:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    return [*parts, text[start:]]


def unescape(text: str) -> str:
    """`\\,` `\\$` `\\|` and `\\\\` give the character. Raises Malformed for a backslash before anything else."""
    if "\\" not in text:
        return text
    if not ESCAPED.fullmatch(text):
        raise Malformed("a backslash stands only before , $ | and another backslash")
    return re.sub(r"\\(.)", r"\1", text)


def value(parameter: Parameter, text: str, context: Context) -> Value:
    """One alternative, still escaped, of a parameter without modifier. Raises Malformed."""
    if not text:
        raise Malformed("a value is empty")
    if parameter.kind == "special":
        return special(parameter, text, context)
    if parameter.kind == "composite":
        return composite(parameter, text, context)
    if parameter.kind == "date":
        return date(text, context.now)
    if parameter.kind in ("string", "uri"):
        return Text(unescape(text))
    if parameter.kind == "token":
        return coded(parameter, text)
    if parameter.kind == "reference":
        return reference(text, context.base)
    return number(text) if parameter.kind == "number" else quantity(text)


def special(parameter: Parameter, text: str, context: Context) -> Value:
    """`_id`, `_lastUpdated`, and words to look for in `_text` and `_content`."""
    if parameter.sp == LAST_UPDATED:
        return date(text, context.now)
    plain = unescape(text)
    if parameter.sp in (NARRATIVE, CONTENT):
        try:
            sought(plain)
        except Wrong as problem:
            raise Malformed(str(problem)) from problem
    return Text(plain)


def token(text: str) -> Token:
    """`code`, `system|code`, `|code`, `system|`."""
    parts = [unescape(part) for part in split(text, "|")]
    if len(parts) > 2 or not any(parts):
        raise Malformed("a token is code, system|code, |code or system|")
    return Token(None, parts[0]) if len(parts) == 1 else Token(parts[0], parts[1] or None)


def coded(parameter: Parameter, text: str) -> Token:
    """A token as the parameter's rows have it: folded where they are, without the system that the codes imply."""
    found, nature = token(text), catalogue.nature(parameter.sp)
    if nature == "string":
        return Token(found.system, found.code and found.code.casefold())
    return Token("", found.code) if nature and found.system == nature else found


def reference(text: str, base: str = "") -> Ref:
    """`id`, `Type/id` or an absolute url; the version of a reference is left out, that of a canonical kept."""
    plain = unescape(text)
    if base:
        plain = plain.removeprefix(base.rstrip("/") + "/")
    found = RELATIVE.fullmatch(plain)
    if found is not None:
        return Ref(found[1], found[2])
    if ABSOLUTE.fullmatch(plain):
        return Ref("", re.sub(r"/_history/[A-Za-z0-9\-.]{1,64}$", "", plain))
    if IDENTIFIER.fullmatch(plain):
        return Ref("", plain)
    raise Malformed("a reference is id, Type/id or an absolute url")


def prefixed(text: str) -> tuple[Prefix, str]:
    """The comparison prefix (eq when there is none) and what follows."""
    prefix = PREFIXES.get(text[:2])
    return ("eq", text) if prefix is None else (prefix, text[2:])


def date(text: str, now: int) -> Date:
    """The range that the written precision covers; `ap` widens it by a tenth of its distance from the current day.

    A blank before the zone is a plus sign that was not percent-encoded.
    """
    prefix, written = prefixed(unescape(text))
    try:
        low, high = span(LOST_PLUS.sub(r"\1+\2", written))
    except ValueError:
        raise Malformed("a date is YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm[:ss[.f]][zone]") from None
    if prefix == "ap":
        today = now - now % DAY  # whole days, so that pages of one search agree
        low, high = low - abs(today - low) // 10, high + abs(high - today) // 10
    return Date(prefix, low, high)


def number(text: str) -> Number:
    """A number with the range that its significant digits imply (R4 search 3.1.1.4.6)."""
    prefix, written = prefixed(unescape(text))
    return _number(prefix, written)


def quantity(text: str) -> Number:
    """`number`, `number|system|code` or `number||code`, where code may also be the unit as printed."""
    parts = [unescape(part) for part in split(text, "|")]
    if len(parts) not in (1, 3):
        raise Malformed("a quantity is number, number|system|code or number||code")
    prefix, written = prefixed(parts[0])
    amount = _number(prefix, written)
    if len(parts) == 1:
        return amount
    return Number(prefix, amount.value, amount.low, amount.high, parts[1] or None, parts[2] or None)


def _number(prefix: Prefix, written: str) -> Number:
    if not DECIMAL.fullmatch(written):
        raise Malformed("a number is digits with an optional sign, fraction and exponent")
    amount = Decimal(written)
    if abs(amount.adjusted()) > 300:
        raise Malformed("a number's exponent is beyond what is kept")
    if prefix == "ap":
        margin = abs(amount) * APPROXIMATE
        return Number(prefix, float(amount), float(amount - margin), float(amount + margin))
    half = Decimal(5).scaleb(_last_digit(written, amount) - 1)
    value = float(amount)  # beyond a float's digits the range would close: the number itself stays inside
    return Number(prefix, value, float(amount - half), max(float(amount + half), math.nextafter(value, math.inf)))


def _last_digit(written: str, amount: Decimal) -> int:
    """The power of ten of the last significant digit. R4 reads 1e2 as 95 to 105: an exponent adds a digit to an integer."""
    exponent = int(amount.as_tuple().exponent)
    return exponent - 1 if "e" in written.lower() and "." not in written else exponent


def composite(parameter: Parameter, text: str, context: Context) -> Parts:
    """One value a component, between unescaped `$`."""
    parts = split(text, "$")
    if len(parts) != len(parameter.components):
        raise Malformed(f"a value has {len(parameter.components)} parts joined by $")
    pairs = zip(parameter.components, parts, strict=True)
    return Parts(tuple(value(component, part, context) for component, part in pairs))
