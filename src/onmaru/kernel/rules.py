"""What a tenant asks of a resource that is written, and the definitions it goes by: R4's and those in its own record.

The definitions are resources of the record like any other; they are read when first needed and again after one was written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple, get_args

from onmaru.fhir.fhirpath import Environment
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.profiles.definition import canonical_of
from onmaru.fhir.profiles.library import KINDS, Library, core
from onmaru.fhir.profiles.validator import checked
from onmaru.fhir.profiles.visit import Visit
from onmaru.fhir.profiles.walk import run_profile
from onmaru.fhir.search.own import Own
from onmaru.fhir.search.own import defined as defined_here
from onmaru.fhir.terminology.terminology import KINDS as TERMS
from onmaru.fhir.terminology.terminology import Defined, Terminology, defined
from onmaru.kernel.integrity import Integrity
from onmaru.kernel.log import Version
from onmaru.kernel.terms import Loaded, Unloaded

Level = Literal["off", "structural", "profiles"]
LEVELS: tuple[Level, ...] = get_args(Level)
DEFINING = frozenset({*KINDS, *TERMS, "SearchParameter"})

ON_WRITE = 2_000_000
"""Steps that the expressions of one judged write may take, about half a second: others wait for it."""


class Indexed(NamedTuple):
    """One of the tenant's own search parameters: rows of it are made up to position `reached` of `head`; None: no rows.

    `clock`: its expression asks the clock, so that there can be none.
    """

    code: str
    url: str
    types: Sequence[str]
    reached: int | None
    head: int
    clock: bool


def nothing() -> Iterable[Version]:
    """No definitions but R4's own."""
    return ()


class Rules:
    """`level` and `integrity`: see the settings `validation` and `integrity`.

    `found` gives the latest versions of DEFINING resources, whoever asks. `loaded`: the code systems that the tenant keeps
    apart from its record.
    """

    def __init__(
        self,
        level: Level = "off",
        found: Callable[[], Iterable[Version]] = nothing,
        integrity: Integrity = "off",
        loaded: Loaded = Unloaded(),  # noqa: B008 - it holds nothing
    ) -> None:
        self.level = level
        self.integrity: Integrity = integrity
        self._found = found
        self._loaded = loaded
        self._stamp: object = None
        self._library: Library | None = None
        self._shared: Terminology | None = None
        self._own: Own | None = None
        self.indexed: Callable[[], Sequence[Indexed]] = tuple

    @property
    def judging(self) -> bool:
        """Whether writes are judged at all."""
        return self.level != "off"

    @property
    def library(self) -> Library:
        """The definitions as they stand now; what was handed out before never changes."""
        self._heed()
        if self._library is None:
            self._library = self._made()
        return self._library

    @property
    def terms(self) -> Terminology:
        """What code systems, value sets and concept maps say as they stand now; it keeps the promises of Terms."""
        return self.library.terms

    @property
    def shared_terms(self) -> Terminology:
        """The same without the definitions of the record, for who may not read them."""
        self._heed()
        if self._shared is None:
            systems = self._loaded.systems()
            self._shared = Terminology((), systems) if systems else core().terms
        return self._shared

    def _heed(self) -> None:
        """Forget what was made before a system was loaded or removed."""
        stamp = self._loaded.stamp()
        if stamp != self._stamp:
            self._stamp, self._library, self._shared = stamp, None, None

    def _made(self) -> Library:
        added: dict[tuple[str, str], bytes] = {}
        own: list[Defined] = []
        for version in self._found():
            body = version.body
            if body is None or version.type == "SearchParameter" or not (url := canonical_of(body)):
                continue
            added[version.type, url] = body
            if version.type in TERMS and (one := defined(version.type, body)):
                own.append(one)
        systems = self._loaded.systems()
        if not added and not systems:
            return core()
        return Library(added, Terminology(own, systems) if own or systems else None)

    @property
    def parameters(self) -> Own:
        """The search parameters that the tenant defined itself, by type and code."""
        if self._own is None:
            written = (one for one in self._found() if one.type == "SearchParameter")
            self._own = defined_here(one.body for one in written if one.body is not None)
        return self._own

    def forget(self, type: str) -> None:
        """A definition of this type was written: read its like again when they are next needed."""
        if type == "SearchParameter":
            self._own = None
        else:
            self._library = None

    def judge(self, body: bytes) -> None:
        """Raise Invalid 422 with every error of an admitted body that the level does not let in."""
        profiled = self.level == "profiles"
        visit = Visit(self.library if profiled else core(), Environment(), run_profile)
        visit.errors_only, visit.profiled, visit.left = True, profiled, ON_WRITE
        errors = [issue for issue in checked(body, visit) if issue.severity == "error"]
        if errors:
            raise Invalid(errors, 422)
