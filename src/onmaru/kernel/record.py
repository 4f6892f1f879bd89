"""The Record door: the chart, always bound to one Caller. Reading filters, writing checks, both are audited."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from onmaru.fhir.outcome import Issue
from onmaru.fhir.query import Query
from onmaru.fhir.search.parsing import parse
from onmaru.kernel.errand import Admitted, Errand, Result
from onmaru.kernel.log import Version


class Change(msgspec.Struct, frozen=True, gc=False):
    """One write. `id` "" lets the server choose. Conditions: `if_match` a version number, `if_none_exist` a search.

    For update and delete with `condition`, the search chooses the target. `name` is the urn:uuid or fullUrl that other
    changes of the same transaction refer to. `make` False: an update of what does not exist answers 404 instead of making
    it; so does every update by a caller from whom a patient is hidden, or it could tell what is hidden from what is not.
    `links` are names that were given a reference elsewhere. `compacted`: the body has no white space between its tokens.
    `ready`: the body was admitted and its references resolved beforehand, perhaps in another process of ours.
    `absent`: an update that only makes the resource (If-None-Match: *), 412 where it is there.
    """

    op: Literal["create", "update", "delete", "erase"]
    type: str
    id: str = ""
    body: bytes = b""
    if_match: int | None = None
    if_none_exist: Query | None = None
    condition: Query | None = None
    name: str = ""
    make: bool = True
    links: Mapping[str, str] = {}
    compacted: bool = False
    ready: Admitted | None = None
    absent: bool = False


class Written(msgspec.Struct, frozen=True, gc=False):
    """What one change did: the version now current, the status that tells whether the change made it, and warnings."""

    version: Version
    status: int
    warnings: tuple[Issue, ...] = ()


class Page(msgspec.Struct, frozen=True):
    """One page of a search at position `t`. `total` is None when not asked for; `cursor` "" ends the search.

    `began`: when its first page was asked for, µs since 1970 UTC; 0 for a history. `notes`: what the answer says of itself.
    """

    t: int
    matches: Sequence[Version]
    included: Sequence[Version]
    total: int | None
    cursor: str
    began: int = 0
    notes: Sequence[Issue] = ()


Steps = Generator[Errand | None, Result | None, Sequence[Written]]


class Record(Protocol):
    """The chart bound to one Caller and, after `at(t)`, to one position.

    Errors are `onmaru.fhir.outcome.Invalid` with an HTTP status: 404 unknown, 410 deleted or erased or beyond the search
    horizon, 403 forbidden, 409 conflict, 412 precondition, 413 too large, 422 unprocessable.
    """

    def read(self, type: str, id: str, version: int | None = None) -> Version: ...

    def history(
        self, type: str = "", id: str = "", *, patient: str = "", since: int = 0, before: int = 0, count: int = 20
    ) -> Page:
        """Versions newest first; `before` is the cursor's position (0: start), `since` µs.

        `patient`: those of what is or was in this patient's compartment, what was deleted since among them; no `id` then.
        """

    def search(self, query: Query) -> Page: ...

    def marked(self, type: str = "") -> Iterator[Version | None]:
        """Versions of a type ("": of all) that between them bear every profile, tag and label that any the caller sees does;
        None where others may be answered between.
        """

    def write(self, changes: Sequence[Change]) -> Sequence[Written]:
        """All or nothing. Not durable until the tenant's `Log.wait(last position)` returns."""

    def steps(self, changes: Sequence[Change]) -> Steps:
        """`write` for many or large changes, in steps of a few milliseconds between which others can be answered.

        A step that yields an errand may be sent its result; sent None, the errand is done within the next step.
        """

    def at(self, t: int) -> Record: ...


def pages(record: Record, query: Query) -> Iterator[Page]:
    """Every page of a search from the one that `query` asks for, all at the position of the first."""
    while True:
        page = record.search(query)
        yield page
        if not page.cursor:
            return
        query = msgspec.structs.replace(query, cursor=page.cursor)


def bearing(type: str, identifier: tuple[str, str], body: bytes, name: str = "") -> Change:
    """The resource that bears an identifier (system, value) as `body` has it, made where the caller sees none.

    From whom something is hidden may do this, but not make what brings its own id: the answer would tell what is there.
    """
    query = parse((type,), [("identifier", "|".join(identifier))])
    return Change("update", type, body=body, condition=query, name=name)
