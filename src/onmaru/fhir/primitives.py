"""R4's primitive types (datatypes.html#primitive): one pattern each, used alike by the fast decoder and the validator.

Patterns are the specification's own, in Python's dialect; those of dates also hold the calendar (no 30 February).
"""

from __future__ import annotations

import binascii
import re
from functools import cache

from onmaru.fhir.definitions import primitive_patterns

INTEGERS: dict[str, int] = {"integer": -(2**31), "unsignedInt": 0, "positiveInt": 1}
MAX_INTEGER = 2**31 - 1
MAX_STRING = 1024 * 1024
LIMITED = frozenset({"string", "markdown"})
PRIMITIVES: frozenset[str] = frozenset(primitive_patterns())
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")

# Gregorian calendar: the last day of each month, and 29 February in leap years only. The year 0000 is not a FHIR year.
_YEAR = "(?!0000)[0-9]{4}"
_LEAP = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_DAY = "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
_DATE = f"(?:{_YEAR}-{_DAY}|{_LEAP}-02-29)"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_PARTIAL = f"{_YEAR}(?:-(?:0[1-9]|1[0-2]))?"
_CALENDAR = {
    "date": f"(?:{_DATE}|{_PARTIAL})",
    "dateTime": f"(?:{_DATE}(?:T{_TIME}{_ZONE})?|{_PARTIAL})",
    "instant": f"{_DATE}T{_TIME}{_ZONE}",
}
# What the specification's own pattern says of base64Binary, without its ambiguous nesting.
_BASE64 = re.compile("[ \t\r\n]*(?:[0-9a-zA-Z+/=]{4}[ \t\r\n]*)+")
_SEEN = "[!-\U0010ffff]"
_SPACE = str.maketrans("", "", " \t\r\n")


@cache
def pattern(name: str) -> str:
    """The anchored Python pattern of a string-valued primitive; "" where any text of one character or more will do."""
    if name in _CALENDAR:
        return f"^{_CALENDAR[name]}\\Z"
    written = primitive_patterns()[name]
    if name == "base64Binary" or written in ("", r"[ \r\n\t\S]+"):
        return ""
    if written == r"\S*":  # an empty string is no value in JSON
        written = r"\S+"
    # XML Schema's white space is four characters; other controls are refused everywhere, so one range says "not space"
    python = written.replace(r"[^\s]", _SEEN).replace(r"\s", r"[ \t\n\r]").replace(r"\S", _SEEN)
    return f"^(?:{python})\\Z"


def base64_ok(text: str) -> bool:
    """Whether text is base64 in groups of four, which white space may separate."""
    try:
        binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        if not _BASE64.fullmatch(text):
            return False
        try:
            binascii.a2b_base64(text.translate(_SPACE), strict_mode=True)
        except ValueError:
            return False
    return bool(text)


def reason(name: str, text: str) -> str:
    """Why `text` is no value of the string-valued primitive `name`; "" when it is one. The text itself is not told."""
    if not text:
        return "is empty"
    if CONTROL.search(text):
        return "has a control character"
    if name in LIMITED and len(text) > MAX_STRING:
        return f"is longer than {MAX_STRING} characters"
    if name == "base64Binary":
        return "" if base64_ok(text) else "is not base64"
    wanted = pattern(name)
    return "" if not wanted or re.search(wanted, text) else f"is not a valid {name}"
