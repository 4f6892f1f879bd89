"""Validation of one resource from its bytes: its shape first, then R4's own rules, then the profiles asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from onmaru.fhir import structure
from onmaru.fhir.fhirpath import Environment, Hooks, Node, read, root
from onmaru.fhir.outcome import Invalid, Issue
from onmaru.fhir.profiles.bindings import coded
from onmaru.fhir.profiles.korean import korean
from onmaru.fhir.profiles.library import Library
from onmaru.fhir.profiles.visit import Enough, Exhausted, Language, Resolver, Visit, strings
from onmaru.fhir.profiles.walk import resource, run_profile


class Wanted(msgspec.Struct, frozen=True):
    """What to validate against. `type_name`: the type that the resource must have, "" for any. `profiles`: canonicals to
    check besides those in `meta.profile`. `now`: the clock of invariants. `resolver`: reads what a reference names.
    """

    type_name: str = ""
    profiles: Sequence[str] = ()
    now: datetime | None = None
    language: Language = "en"
    resolver: Resolver | None = None


def validated(raw: bytes, library: Library, wanted: Wanted = Wanted()) -> list[Issue]:  # noqa: B008 - it is frozen
    """Every problem of a resource in JSON; none where it is valid and nothing is worth a note.

    What is no R4 resource at all is told and nothing more, since rules on a broken shape would only mislead.
    Raises Invalid 400 for what is not JSON.
    """
    try:
        compact, _ = structure.admit(raw, wanted.type_name or None)
    except Invalid as error:
        if error.status == 400:
            raise
        return [korean(one) for one in error.issues] if wanted.language == "ko" else list(error.issues)
    visit = Visit(library, Environment(), run_profile, wanted.language)
    visit.resolver = wanted.resolver
    return checked(compact, visit, wanted.profiles, wanted.now)


def checked(compact: bytes, visit: Visit, profiles: Sequence[str] = (), now: datetime | None = None) -> list[Issue]:
    """The rules alone, for bytes that `structure.admit` gave, as the Visit is set."""
    node = root(read(compact))
    visit.environment = Environment(now=now, hooks=_hooks(visit))
    try:
        resource(node, visit)
        for url in profiles:
            if not visit.profile(node, url):
                visit.report("error", "not-found", node.path, "profile-unknown")
    except Enough:
        text = strings(visit.language)["too-many"].format(most=len(visit.found))
        return [*visit.found, Issue("too-costly", text, severity="information")]
    except Exhausted:
        return [*visit.found, Issue("too-costly", strings(visit.language)["too-costly"], node.path)]
    return list(visit.found)


def _hooks(visit: Visit) -> Hooks:
    def member_of(value: object, url: str) -> bool | None:
        answer = coded(value, visit.library.members(url)) if isinstance(value, Node) else None
        return answer if isinstance(answer, bool) else None

    return Hooks(resolve=visit.resolver, member_of=member_of, conforms=visit.conforms)
