"""Regular expressions by RE2, whose time is linear in the text: no pattern can be made to run for ever.

RE2 knows no look-around and no back-references; a pattern with one is refused by name (decision 0076).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2

from onmaru.fhir.fhirpath.errors import execution, too_costly
from onmaru.fhir.fhirpath.run import Run

LONGEST = 10_000
_FLAGS = frozenset("im")
_GROUP = re.compile(r"\$(?:\{(\w+)\}|([0-9]{1,2})|(\$))")


@lru_cache(maxsize=128)
def compiled(pattern: str, flags: str) -> Any:
    """A pattern in single-line mode: a dot matches a line feed too."""
    if len(pattern) > LONGEST:
        raise too_costly("the pattern is too long")
    if not _FLAGS.issuperset(flags):
        raise execution("the flags of a pattern are i and m")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 4 << 20
    options.case_sensitive = "i" not in flags
    inline = "(?sm)" if "m" in flags else "(?s)"
    try:
        return re2.compile(inline + pattern, options)
    except re2.error:
        raise execution("the pattern is not valid, or needs look-around or a back-reference") from None


def found(run: Run, text: str, pattern: str, flags: str, *, whole: bool = False) -> bool:
    """Whether the pattern occurs in the text, or is the `whole` of it."""
    program = compiled(pattern, flags)
    run.spend(1 + len(text) // 64)
    return (program.fullmatch(text) if whole else program.search(text)) is not None


def replaced(run: Run, text: str, pattern: str, substitution: str, flags: str) -> str:
    """Every match replaced; `$1` and `${name}` in the substitution stand for groups. An empty pattern replaces nothing."""
    if not pattern:
        return text
    program = compiled(pattern, flags)

    def put(match: Any) -> str:
        return run.made(_GROUP.sub(lambda group: _group(match, group), substitution))

    answer: str = program.sub(put, text)
    return run.made(answer)


def _group(match: Any, group: re.Match[str]) -> str:
    if group[3]:
        return "$"
    name: str | int = group[1] or int(group[2])
    if isinstance(name, str) and name.isdigit():
        name = int(name)
    try:
        return match.group(name) or ""
    except (IndexError, KeyError):
        raise execution("the substitution names a group that the pattern has not") from None
