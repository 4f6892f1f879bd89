"""FHIR files: transaction, batch and collection Bundles, NDJSON and single resources, each also gzipped.

Each transaction carries a DocumentReference of the load with the file's digest, how many of its entries are in, and where
their urn names lead: the same file again adds nothing, a load that was cut short goes on, and files refer to each other.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from onmaru.adapters.receipt import Receipt
from onmaru.fhir import search, structure, verbatim
from onmaru.fhir.outcome import Invalid, Issue, invalid
from onmaru.kernel.bundle import conditional_references, meant
from onmaru.kernel.entry import ID, Item, criteria_of, item, pairs_of
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall

FILE = "urn:onmaru:file"
SLICE = 1000
_TYPE = re.compile(rb'"resourceType"\s*:\s*"([A-Za-z]+)"')


class Piece(msgspec.Struct, frozen=True):
    """One entry: its body, the name others refer to it by, its place, and the Change it asks for or why there is none.

    `condition` is what a conditional creation asks for (`Type?criteria`), "" for other entries of a transaction or batch.
    """

    body: bytes
    place: str
    change: Change
    name: str = ""
    refused: Invalid | None = None
    compacted: bool = False
    condition: str | None = None

    @property
    def promised(self) -> bool:
        """Whether the entry gets a new id that others can be told before it is written."""
        return self.change.op == "create" and self.change.if_none_exist is None


def pieces(data: bytes) -> Iterator[Piece]:
    """Entries of a Bundle, lines of NDJSON, or one resource. Raises Invalid (400) when it is none of them.

    Entries of a transaction or batch do what they ask for. A resource that comes without a request keeps its id, for the
    files around it refer to it by that.
    """
    head = data.lstrip()[:1]
    if head != b"{":
        raise invalid("structure", "not a JSON object")
    first, more, _ = data.partition(b"\n")
    if more and _is_object(first):
        for number, line in enumerate(data.split(b"\n"), 1):
            if line.strip():
                yield _kept_as(line.strip(), f"line {number}")
        return
    if _type(data) == "Bundle":
        yield from _entries(data)
        return
    yield _kept_as(data, "")


def _kept_as(body: bytes, place: str, name: str = "") -> Piece:
    """A resource under its own id, or under a new one when it has none."""
    type, id = _type(body), ""
    with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):  # the strict decode says what is wrong
        id = str(_name(body).id)
    change = Change("update" if ID.fullmatch(id) else "create", type, id, body)
    return Piece(body, place, change, name)


class _Name(msgspec.Struct):
    id: str = ""


_name = msgspec.json.Decoder(_Name).decode


def _is_object(line: bytes) -> bool:
    """NDJSON when the first line alone is a JSON object."""
    try:
        return isinstance(msgspec.json.decode(line), dict)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def _opened(data: bytes) -> tuple[str, list[verbatim.Entry]]:
    """A Bundle's type and compact entries; `Invalid` with every problem of what is around its resources."""
    try:
        small = msgspec.json.format(data, indent=-1)
        kind, found = verbatim.entries(small)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Invalid):
        structure.admit(data, "Bundle", deep=False)
        raise
    structure.envelope(small, (entry.resource for entry in found))
    return kind, found


def _entries(data: bytes) -> Iterator[Piece]:
    kind, found = _opened(data)
    if kind not in ("transaction", "batch", "collection", "searchset", "document", "message"):
        raise invalid("value", "a Bundle of this type is not loaded", "Bundle.type")
    for number, entry in enumerate(found):
        place, body = f"Bundle.entry[{number}]", bytes(entry.resource or b"")
        if kind not in ("transaction", "batch"):
            if body:
                yield _kept_as(body, place, entry.full_url)
            continue
        try:
            asked = item(number, entry, update_create=True, base="")
        except Invalid as error:
            yield Piece(body, place, Change("create", _type(body)), refused=error)
            continue
        if asked.change is not None:
            change = _conditional(asked, asked.change)
            condition = f"{change.type}?{asked.if_none_exist}" if asked.if_none_exist else ""
            yield Piece(body, place, change, entry.full_url, compacted=True, condition=condition)


def _conditional(asked: Item, change: Change) -> Change:
    if not asked.if_none_exist:
        return change
    condition = criteria_of(change.type, pairs_of(asked.if_none_exist))
    return msgspec.structs.replace(change, if_none_exist=condition)


def _type(body: bytes) -> str:
    """The resourceType, found fast; the strict decode at the write has the last word."""
    try:
        return structure.type_of(body)
    except Invalid:
        match = _TYPE.search(body)
        return match.group(1).decode() if match else ""


class FhirFiles:
    """Takes FHIR files of one tenant. `new_id` gives fresh logical ids; `bury` keeps an entry that was refused."""

    def __init__(self, new_id: Callable[[], str], bury: Callable[[Hall, Piece, Invalid], str]) -> None:
        self._new_id = new_id
        self._bury = bury
        self._links: dict[str, str] = {}
        self._meant: Meant
        self._learned = False

    def take(self, hall: Hall, data: bytes, settle: Callable[[], None]) -> Receipt:
        """Write what is new of a file, in transactions of at most 1,000 entries; refused entries are counted and buried.

        `settle` makes what was written before visible to the searches that conditional references stand for.
        Raises Invalid (400) when the bytes are no FHIR file at all; nothing is written then.
        """
        digest = hashlib.sha256(data).hexdigest()
        done, ids = self._progress(hall, digest)
        found = list(pieces(data))
        self._meant = Meant(hall, settle, found)
        if done >= len(found):
            return Receipt(duplicate=True)
        ids = [*ids, *(self._new_id() for _ in range(len(found) - len(ids)))]
        for piece, id in zip(found, ids, strict=True):
            if piece.promised and piece.name.startswith("urn:"):
                self._links.setdefault(piece.name, f"{piece.change.type}/{id}")
        receipt = Receipt()
        for start in range(done, len(found), SLICE):
            part = list(zip(found, ids, strict=True))[start : start + SLICE]
            self._slice(hall, part, Progress(digest, start + len(part), ids if start == 0 else []), receipt)
        return receipt

    def _progress(self, hall: Hall, digest: str) -> tuple[int, list[str]]:
        """How many entries of this file are in, and the ids its entries were promised."""
        if not self._learned:
            self._learned = True
            self._learn(hall)
        pairs = [("identifier", f"{FILE}|{digest}"), ("_count", "1000"), ("_total", "none")]
        kept = [_kept(v.body) for v in hall.record.search(search.parse(("DocumentReference",), pairs)).matches]
        ids: list[str] = next((one["ids"] for one in kept if one["ids"]), [])
        return max((one["done"] for one in kept), default=0), ids

    def _learn(self, hall: Hall) -> None:
        """Read the links of earlier loads once, so that files of a later load may refer to them."""
        pairs = [("category", "urn:onmaru:document|load"), ("_count", "200"), ("_total", "none")]
        query = search.parse(("DocumentReference",), pairs)
        while True:
            page = hall.record.search(query)
            for version in page.matches:
                self._links.update(_kept(version.body)["links"])
            if not page.cursor:
                return
            query = msgspec.structs.replace(query, cursor=page.cursor)

    def _slice(self, hall: Hall, part: Sequence[tuple[Piece, str]], progress: Progress, receipt: Receipt) -> None:
        """One transaction; when an entry is refused, its neighbours go in without it."""
        good = []
        for piece, id in part:
            known = self._meant.resolved(piece)
            if known.refused is not None:
                self._refuse(hall, piece, known.refused, receipt)
            else:
                good.append((known, id))
        while True:
            changes = [self._change(piece, id) for piece, id in good]
            try:
                written = hall.record.write([*changes, self._mark(progress, good)])
                break
            except Invalid as error:
                bad = {number for issue in error.issues if (number := _number(issue)) is not None}
                if not bad or len(good) == 1:
                    bad = set(range(len(good))) if len(good) == 1 else self._alone(hall, good)
                for number in sorted(bad):
                    self._refuse(hall, good[number][0], error, receipt)
                good = [one for number, one in enumerate(good) if number not in bad]
        for done in written[:-1]:
            version = done.version
            receipt.accepted += 1
            receipt.created.append(version.name)
            receipt.by_type[version.type] = receipt.by_type.get(version.type, 0) + 1
        receipt.position = max(receipt.position, written[-1].version.t)

    def _alone(self, hall: Hall, good: Sequence[tuple[Piece, str]]) -> set[int]:
        """Which entries cannot be written for themselves, when the refusal does not name them."""
        bad = set()
        for number, (piece, _) in enumerate(good):
            try:
                structure.decode(verbatim.compact(piece.body), piece.change.type or None)
            except Invalid:
                bad.add(number)
        return bad or set(range(len(good)))

    def _refuse(self, hall: Hall, piece: Piece, error: Invalid, receipt: Receipt) -> None:
        receipt.rejected += 1
        receipt.dead += 1
        receipt.letters.append(self._bury(hall, piece, error))
        if receipt.ack == "AA":
            issue = error.issues[0]
            receipt.ack, receipt.location = "AE", piece.place
            receipt.reason = f"{issue.expression}: {issue.text}" if issue.expression else issue.text

    def _change(self, piece: Piece, id: str) -> Change:
        change = piece.change
        return msgspec.structs.replace(
            change,
            id=id if change.op == "create" else change.id,
            name="" if piece.promised else piece.name,
            links=self._links if b'"urn:' in piece.body else {},
            compacted=piece.compacted,
        )

    def _mark(self, progress: Progress, good: Sequence[tuple[Piece, str]]) -> Change:
        """The load's own entry in the same transaction: how far the file is in, and where its names lead."""
        named = ((piece, id) for piece, id in good if piece.promised and piece.name.startswith("urn:"))
        links = {piece.name: f"{piece.change.type}/{id}" for piece, id in named}
        kept = msgspec.json.encode({"done": progress.done, "ids": progress.ids, "links": links})
        attachment = {"contentType": "application/json", "data": base64.b64encode(kept).decode()}
        document = {
            "resourceType": "DocumentReference",
            "identifier": [{"system": FILE, "value": progress.digest}],
            "status": "current",
            "category": [{"coding": [{"system": "urn:onmaru:document", "code": "load"}]}],
            "content": [{"attachment": attachment}],
        }
        return Change("create", "DocumentReference", body=msgspec.json.encode(document))


class Meant:
    """What the conditional references of one file mean: an entry that is made under that condition, else what is stored."""

    def __init__(self, hall: Hall, settle: Callable[[], None], found: Sequence[Piece]) -> None:
        self._record = hall.record
        self._settle: Callable[[], None] | None = settle
        self._known = {piece.condition: piece.name for piece in found if piece.condition and piece.name}

    def resolved(self, piece: Piece) -> Piece:
        """The entry with such references resolved; refused where one has no match or several (R4 http.html#trules)."""
        references = conditional_references(piece.body) if piece.condition is not None else ()
        if not references:
            return piece
        try:
            links = {reference: self._one(reference) for reference in references}
            body = verbatim.relink(verbatim.compact(piece.body), links)
        except Invalid as error:
            return msgspec.structs.replace(piece, refused=error)
        change = msgspec.structs.replace(piece.change, body=body)
        return msgspec.structs.replace(piece, body=body, change=change, compacted=True)

    def _one(self, reference: str) -> str:
        known = self._known.get(reference)
        if known is None:
            if self._settle is not None:
                self._settle()
                self._settle = None
            known = self._known[reference] = meant(self._record, reference, 0)
        return known


class Progress(msgspec.Struct, frozen=True):
    """A file's digest, the number of its entries done with this transaction, and (first time) all ids promised."""

    digest: str
    done: int
    ids: list[str]


def _kept(body: bytes | None) -> dict[str, Any]:
    document = msgspec.json.decode(body or b"{}")
    kept: dict[str, Any] = msgspec.json.decode(base64.b64decode(document["content"][0]["attachment"]["data"]))
    return kept


def _number(issue: Issue) -> int | None:
    match = re.match(r"Bundle\.entry\[(\d+)\]", issue.expression)
    return int(match.group(1)) if match else None
