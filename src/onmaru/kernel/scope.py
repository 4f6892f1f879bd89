"""SMART App Launch 2 scopes as text and as sets: one that is not understood wholly is refused, never guessed at."""

from __future__ import annotations

import re
from collections.abc import Iterable

from onmaru.fhir.outcome import invalid
from onmaru.kernel.caller import Context, Scope

LETTERS = "cruds"
# SMART App Launch 2.0, "Scopes for requesting clinical data": v1's read, write and * in the letters of v2
_V1 = {"read": "rs", "write": "cud", "*": "cruds"}
_FORM = re.compile(r"(patient|user|system)/(\*|[A-Z][A-Za-z]{1,63})\.([a-z]{1,5}|\*)")


def parse(text: str) -> tuple[Scope, ...]:
    """Parse scopes parted by spaces, such as `user/Patient.rs patient/*.cruds`; each one once, in the order written.

    Refused (`Invalid`, 400): an unknown context or form, letters out of the order c-r-u-d-s, and a scope with a search
    part (`?category=…`), which this server cannot enforce and so does not grant. The v1 endings read, write and * are
    mapped to rs, cud and cruds.
    """
    if len(text) > 16_384:
        raise invalid("too-long", "the scope text is longer than 16,384 characters")
    return tuple(dict.fromkeys(_one(word, place) for place, word in enumerate(text.split())))


def _one(word: str, place: int) -> Scope:
    where = f"scope[{place}]"
    if "?" in word:
        raise invalid("not-supported", "a scope with a search part is not supported", where)
    form = _FORM.fullmatch(word)
    if form is None:
        raise invalid("value", "not a scope of the form patient|user|system/Type|*.cruds", where)
    context, type_name, ending = form.groups()
    letters = _V1.get(ending, ending)
    ordered = "".join(letter for letter in LETTERS if letter in letters)
    if letters != ordered:
        raise invalid("value", "the letters of a scope stand once each, in the order c r u d s", where)
    return Scope(context, type_name, frozenset(letters))  # type: ignore[arg-type]  # the contexts are _FORM's own


def text(scopes: Iterable[Scope]) -> str:
    """The scopes in v2 form, parted by spaces: `parse(text(x)) == x`."""
    return " ".join(f"{s.context}/{s.type}.{''.join(c for c in LETTERS if c in s.verbs)}" for s in scopes)


def allows(scopes: Iterable[Scope], type_name: str, verb: str) -> bool:
    """Whether some scope of whatever context grants one verb (one of c r u d s) on one resource type."""
    return any(verb in scope.verbs and scope.type in (type_name, "*") for scope in scopes)


def covers(held: Iterable[Scope], needed: Scope) -> bool:
    """Whether the held scopes together grant every verb of the one that is needed, in whatever context."""
    granted: set[str] = set()
    for scope in held:
        if scope.type == "*" or scope.type == needed.type:
            granted |= scope.verbs
    return needed.verbs <= granted


def narrow(held: Iterable[Scope], limit: Iterable[Scope]) -> tuple[Scope, ...]:
    """What both sets of scopes grant; the context is the narrower of the two, patient before user before system."""
    limits = tuple(limit)
    found: dict[tuple[Context, str], frozenset[str]] = {}
    for one in held:
        for other in limits:
            both = _meet(one, other)
            if both is not None:
                key = (both.context, both.type)
                found[key] = found.get(key, frozenset()) | both.verbs
    return tuple(Scope(context, type_name, verbs) for (context, type_name), verbs in found.items())


_RANK = ("patient", "user", "system")


def _meet(one: Scope, other: Scope) -> Scope | None:
    if one.type != other.type and "*" not in (one.type, other.type):
        return None
    verbs = one.verbs & other.verbs
    if not verbs:
        return None
    type_name = other.type if one.type == "*" else one.type
    return Scope(min(one.context, other.context, key=_RANK.index), type_name, verbs)
