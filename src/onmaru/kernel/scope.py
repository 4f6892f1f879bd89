"""SMART App Launch 2 scopes as text and as sets: one that is not understood wholly is refused, never guessed at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from onmaru.fhir import search
from onmaru.fhir.outcome import Invalid, invalid
from onmaru.fhir.query import Clause
from onmaru.fhir.structure import RESOURCE_TYPES
from onmaru.kernel.caller import Context, Scope
from onmaru.kernel.entry import pairs_of

LETTERS = "cruds"
# Pairs of scopes that are held against one another: what two texts of 500 scopes each would take seconds for
PAIRS = 50_000
# SMART App Launch 2.0, "Scopes for requesting clinical data": v1's read, write and * in the letters of v2
_V1 = {"read": "rs", "write": "cud", "*": "cruds"}
_FORM = re.compile(r"(patient|user|system)/(\*|[A-Z][A-Za-z]{1,63})\.([a-z]{1,5}|\*)")


def parse(text: str) -> tuple[Scope, ...]:
    """Parse scopes parted by spaces, such as `user/Patient.rs patient/*.cruds`; each one once, in the order written.

    The v1 endings read, write and * are mapped to rs, cud and cruds. A search part (`?category=laboratory`) narrows what
    is read and searched; the letters c, u and d beside one are not granted. Refused (`Invalid`, 400): an unknown context
    or form, letters out of the order c-r-u-d-s, and a search part that is not of the resource's own elements.
    """
    if len(text) > 16_384:
        raise invalid("too-long", "the scope text is longer than 16,384 characters")
    return tuple(dict.fromkeys(_one(word, place) for place, word in enumerate(text.split())))


def _one(word: str, place: int) -> Scope:
    where = f"scope[{place}]"
    word, asked, narrowing = word.partition("?")
    form = _FORM.fullmatch(word)
    if form is None:
        raise invalid("value", "not a scope of the form patient|user|system/Type|*.cruds", where)
    context, type_name, ending = form.groups()
    letters = _V1.get(ending, ending)
    ordered = "".join(letter for letter in LETTERS if letter in letters)
    if letters != ordered:
        raise invalid("value", "the letters of a scope stand once each, in the order c r u d s", where)
    if asked:
        letters = _narrowed(type_name, letters, narrowing, where)
    return Scope(context, type_name, frozenset(letters), narrowing)  # type: ignore[arg-type]  # the contexts are _FORM's


def _narrowed(type_name: str, letters: str, narrowing: str, where: str) -> str:
    """The letters that a search part leaves."""
    if type_name not in RESOURCE_TYPES:
        raise invalid("not-supported", "a search part stands at one resource type", where)
    try:
        clauses(type_name, narrowing)
    except Invalid as error:
        raise invalid("not-supported", f"the search part: {error.issues[0].text}", where) from error
    kept = "".join(letter for letter in letters if letter in "rs")
    if not kept:
        raise invalid("not-supported", "a search part narrows reading (r) and searching (s) only", where)
    return kept


@lru_cache(maxsize=1024)
def clauses(type_name: str, narrowing: str) -> tuple[Clause, ...]:
    """What the search part of a scope asks of one resource; `Invalid` 400 when that is more than its own elements tell."""
    asked = search.parse((type_name,), pairs_of(narrowing))
    own = tuple(clause for clause in asked.clauses if isinstance(clause, Clause))
    if not own or len(own) != len(asked.clauses) or len(own) != len(pairs_of(narrowing)):
        raise invalid("not-supported", "only search parameters of the resource itself, without chains")
    return own


def text(scopes: Iterable[Scope]) -> str:
    """The scopes in v2 form, parted by spaces: `parse(text(x)) == x`."""
    return " ".join(_written(one) for one in scopes)


def _written(one: Scope) -> str:
    letters = "".join(letter for letter in LETTERS if letter in one.verbs)
    return f"{one.context}/{one.type}.{letters}{'?' if one.search else ''}{one.search}"


def allows(scopes: Iterable[Scope], type_name: str, verb: str) -> bool:
    """Whether some scope of whatever context grants one verb (one of c r u d s) on one resource type, all or some of it."""
    return any(verb in scope.verbs and scope.type in (type_name, "*") for scope in scopes)


def covers(held: Iterable[Scope], needed: Scope) -> bool:
    """Whether the held scopes together grant every verb of the one that is needed on the whole type, in whatever context."""
    granted: set[str] = set()
    for scope in held:
        if scope.type in ("*", needed.type) and not scope.search:
            granted |= scope.verbs
    return needed.verbs <= granted


def narrow(held: Iterable[Scope], limit: Iterable[Scope]) -> tuple[Scope, ...]:
    """What both sets of scopes grant; the context is the narrower of the two, patient before user before system.

    Refused (`Invalid`, 400) where that is more than PAIRS of them.
    """
    held, limits = tuple(held), tuple(limit)
    _check_pairs(len(held) * len(limits))
    found: dict[tuple[Context, str, str], frozenset[str]] = {}
    for one in held:
        for other in limits:
            both = _meet(one, other)
            if both is not None:
                key = (both.context, both.type, both.search)
                found[key] = found.get(key, frozenset()) | both.verbs
    return tuple(Scope(context, type_name, verbs, search) for (context, type_name, search), verbs in found.items())


def within(asked: Iterable[Scope], most: Iterable[Scope]) -> tuple[Scope, ...]:
    """What of each scope asked for lies within `most`: in its own context where that grants any of it, else in a narrower.

    An app that may ask for both, and asks for its user's whole sight, is not bound to one patient unasked.
    """
    asked, most = tuple(asked), tuple(most)
    _check_pairs(len(asked) * len(most))
    found: list[Scope] = []
    for one in asked:
        met = narrow((one,), most)
        found += [both for both in met if both.context == one.context] or met
    return tuple(dict.fromkeys(found))


def _check_pairs(count: int) -> None:
    if count > PAIRS:
        raise invalid("too-costly", "too many scopes to hold against one another", "scope")


def simplest(scopes: Iterable[Scope]) -> tuple[Scope, ...]:
    """The same grants without scopes that another one of the same context says already."""
    kept = tuple(scopes)
    verbs: dict[tuple[Context, str, str], list[frozenset[str]]] = {}
    for one in kept:
        verbs.setdefault((one.context, one.type, one.search), []).append(one.verbs)
    return tuple(one for one in kept if not _said(one, verbs))


def _said(one: Scope, verbs: Mapping[tuple[Context, str, str], list[frozenset[str]]]) -> bool:
    """Whether another scope grants all of this one: of its type or every type, with its search part or without any."""
    for type_name in {one.type, "*"}:
        for part in {one.search, ""}:
            itself = (type_name, part) == (one.type, one.search)
            for wide in verbs.get((one.context, type_name, part), ()):
                if wide > one.verbs or (wide == one.verbs and not itself):
                    return True
    return False


_RANK = ("patient", "user", "system")


def _meet(one: Scope, other: Scope) -> Scope | None:
    if one.type != other.type and "*" not in (one.type, other.type):
        return None
    verbs = one.verbs & other.verbs
    if not verbs:
        return None
    type_name = other.type if one.type == "*" else one.type
    narrowing = "&".join(dict.fromkeys(part for part in (one.search, other.search) if part))
    return Scope(min(one.context, other.context, key=_RANK.index), type_name, verbs, narrowing)
