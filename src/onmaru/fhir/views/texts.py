"""Functions on one text. Places count characters from 0, as in FHIRPath."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from onmaru.fhir.fhirpath import patterns
from onmaru.fhir.fhirpath.errors import PathError, semantic
from onmaru.fhir.views.compiler import Compiler
from onmaru.fhir.views.value import NULL, Value, absent, boolean, integer, string

Of = Callable[[Compiler, Value, Sequence[Value], int], Value]
_Sql = Callable[[Compiler, str, Sequence[str]], str]


def _of(answer: Callable[[str], Value], sql: _Sql, kinds: tuple[str, ...] = ()) -> Of:
    """A function of a text and arguments of these kinds; empty where one of them is."""

    def run(compiler: Compiler, given: Value, arguments: Sequence[Value], at: int) -> Value:
        if given.kind not in ("string", ""):
            raise semantic("the function is asked of a text", at)
        for value, kind in zip(arguments, kinds, strict=False):
            if value.kind not in (kind, ""):
                raise semantic(f"an argument is no {kind}", at)
        if NULL in (given.sql, *(value.sql for value in arguments)):
            return absent(answer(NULL).type)
        return answer(sql(compiler, given.sql, [value.sql for value in arguments]))

    return run


def _substring(compiler: Compiler, text: str, arguments: Sequence[str]) -> str:
    start, rest = arguments[0], arguments[1:]
    taken = f"substr({text}, {start} + 1{''.join(f', greatest({count}, 0)' for count in rest)})"
    return f"CASE WHEN {start} >= 0 AND {start} < length({text}) THEN {taken} END"


def _matching(*, whole: bool) -> Of:
    def run(compiler: Compiler, given: Value, arguments: Sequence[Value], at: int) -> Value:
        pattern = arguments[0].literal
        if not isinstance(pattern, str) or given.kind not in ("string", ""):
            raise semantic("a text is matched with a written pattern", at)
        try:
            patterns.compiled(pattern, "")
        except PathError as error:
            raise semantic(error.reason, at) from None
        if given.sql == NULL:
            return absent("boolean")
        written = f"^(?:{pattern})$" if whole else pattern
        return boolean(compiler.dialect.matches(given.sql, compiler.dialect.text(written)))

    return run


def _starts(compiler: Compiler, text: str, arguments: Sequence[str]) -> str:
    return f"(left({text}, length({arguments[0]})) = {arguments[0]})"


def _ends(compiler: Compiler, text: str, arguments: Sequence[str]) -> str:
    return f"(right({text}, length({arguments[0]})) = {arguments[0]})"


TABLE: dict[str, Of] = {
    "startsWith": _of(boolean, _starts, ("string",)),
    "endsWith": _of(boolean, _ends, ("string",)),
    "contains": _of(boolean, lambda c, text, given: f"(instr({text}, {given[0]}) > 0)", ("string",)),
    "indexOf": _of(integer, lambda c, text, given: f"(instr({text}, {given[0]}) - 1)", ("string",)),
    "substring": _of(string, _substring, ("integer", "integer")),
    "replace": _of(string, lambda c, text, given: f"replace({text}, {given[0]}, {given[1]})", ("string", "string")),
    "upper": _of(string, lambda c, text, given: f"upper({text})"),
    "lower": _of(string, lambda c, text, given: f"lower({text})"),
    "trim": _of(string, lambda c, text, given: f"trim({text})"),
    "length": _of(integer, lambda c, text, given: f"length({text})"),
    "matches": _matching(whole=False),
    "matchesFull": _matching(whole=True),
}
ARGUMENTS: dict[str, tuple[int, int]] = {
    **dict.fromkeys(("startsWith", "endsWith", "contains", "indexOf", "matches", "matchesFull"), (1, 1)),
    "substring": (1, 2),
    "replace": (2, 2),
}
