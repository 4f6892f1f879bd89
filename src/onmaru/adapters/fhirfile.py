"""FHIR files: transaction, batch and collection Bundles, NDJSON and single resources, each also gzipped.

Each transaction carries a DocumentReference of the load with the file's digest, how many of its entries are in, and where
their urn names lead: the same file again adds nothing, a load that was cut short goes on, and files refer to each other.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from onmaru.adapters.ahead import Told, promise
from onmaru.adapters.packing import unpacked
from onmaru.adapters.pieces import Piece, pieces
from onmaru.adapters.receipt import Receipt
from onmaru.fhir import search, structure, verbatim
from onmaru.fhir.outcome import Invalid, Issue
from onmaru.kernel.bundle import meant
from onmaru.kernel.errand import conditional_references
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall

FILE = "urn:onmaru:file"
SLICE = 1000
# Problems of one entry that a mark tells
TOLD = 20


Refused = tuple[Piece, Invalid]


def _nothing(refused: Sequence[Refused]) -> Sequence[Change]:
    return ()


class FhirFiles:
    """Takes FHIR files of one tenant. `new_id` gives fresh logical ids; `bury` keeps an entry that was refused.

    `letter` gives what is to be written, with the mark of a stretch of lines, of all that were refused of it.
    """

    def __init__(
        self,
        new_id: Callable[[], str],
        bury: Callable[[Hall, Piece, str, Invalid], str],
        letter: Callable[[Sequence[Refused]], Sequence[Change]] = _nothing,
    ) -> None:
        self._new_id = new_id
        self._bury = bury
        self._letter = letter
        self._refused: list[Refused] = []
        self.links: dict[str, str] = {}
        self._astray = False
        self._meant: Meant
        self._original: Callable[[], bytes]
        self._learned = False
        # What was refused of a stretch of lines, where that is told and not buried
        self._told: list[Problem] | None = None
        self._came: Mapping[str, bytes] | None = None

    def stretch(
        self, hall: Hall, found: Sequence[Piece], progress: Progress, came: Mapping[str, bytes] | None = None
    ) -> Receipt:
        """Write some lines of a file, each transaction with its mark, which also tells what was refused of them.

        `came`: the lines by place as they came, where those that are refused are to be buried too.

        A refusal that names no line is one of the whole transaction, which is halved until it names one. Raises Invalid 503
        when nothing can be written just now, and whatever is refused to the mark itself.
        """
        self._meant, self._told, self._came = Meant(hall, lambda: None, ()), [], came
        self._refused = []
        receipt = Receipt()
        try:
            self._slice(hall, [(piece, self._new_id()) for piece in found], progress, receipt)
        except _Unnamed:
            middle = len(found) // 2
            before = msgspec.structs.replace(progress, done=progress.done - len(found) + middle)
            receipt = self.stretch(hall, found[:middle], before, came)
            receipt.add(self.stretch(hall, found[middle:], progress, came))
        finally:
            self._told = None
        return receipt

    def marks(self, hall: Hall, digest: str) -> Iterator[Mark]:
        """What the transactions of a file said of it, the newest first."""
        pairs = [("identifier", f"{FILE}|{digest}"), ("_count", "100"), ("_total", "none")]
        query = search.parse(("DocumentReference",), pairs)
        while True:
            page = hall.record.search(query)
            yield from (_kept(version.body) for version in page.matches)
            if not page.cursor:
                return
            query = msgspec.structs.replace(query, cursor=page.cursor)

    def take(
        self,
        hall: Hall,
        data: bytes,
        settle: Callable[[], None],
        told: Told | None = None,
        *,
        promised: str | None = None,
    ) -> Receipt:
        """Write what is new of a file, in transactions of at most 1,000 entries; refused entries are counted and buried.

        `settle` makes what was written before visible to the searches that conditional references stand for. `data` may
        be gzipped. `told` is what `ahead.tell` said of the file after all that were taken before it.
        `promised` is not None: what of it was refused before is to be taken now, under that id if others were told one.
        Raises Invalid (400) when the bytes are no FHIR file at all; nothing is written then.
        """
        plain = unpacked(data) if told is None else b""
        digest = hashlib.sha256(plain).hexdigest() if told is None else told.digest
        done, ids = self._progress(hall, digest, again=promised is not None)
        if told is not None and not self._follows(told, done):
            told = None
        found = told.pieces() if told is not None and told.entries else list(pieces(plain or unpacked(data)))
        if promised and len(found) == 1 and found[0].refused is None and _free(hall, found[0].change.type, promised):
            found = [
                msgspec.structs.replace(found[0], change=Change("create", found[0].change.type, body=found[0].body))
            ]
            ids = [promised]
        self._meant = Meant(hall, settle, found)
        self._original = lambda: unpacked(data)
        if done >= len(found):
            return Receipt(duplicate=True)
        ids = told.ids if told is not None else [*ids, *(self._new_id() for _ in range(len(found) - len(ids)))]
        promise(found, ids, self.links)
        receipt = Receipt()
        for start in range(done, len(found), SLICE):
            part = list(zip(found, ids, strict=True))[start : start + SLICE]
            self._slice(hall, part, Progress(digest, start + len(part), ids if start == 0 else []), receipt)
        return receipt

    def _follows(self, told: Told, done: int) -> bool:
        """Whether all came as it was foreseen: no file so far was in already, in part or with names that lead elsewhere."""
        if done:
            names = [entry.name for entry in told.entries if entry.op == "create" and entry.name.startswith("urn:")]
            self._astray |= done < len(told.ids) or not told.entries or any(name not in self.links for name in names)
        return not (done or self._astray)

    def known(self, hall: Hall) -> dict[str, str]:
        """Where the names lead that earlier files promised."""
        if not self._learned:
            self._learned = True
            self._learn(hall)
        return self.links

    def _progress(self, hall: Hall, digest: str, *, again: bool) -> tuple[int, list[str]]:
        """How many entries of this file are in, and the ids its entries were promised.

        A file that is given again to be taken after all is not in where an entry of it was refused.
        """
        self.known(hall)
        pairs = [("identifier", f"{FILE}|{digest}"), ("_count", "1000"), ("_total", "none")]
        kept = [_kept(v.body) for v in hall.record.search(search.parse(("DocumentReference",), pairs)).matches]
        ids = next((one.ids for one in kept if one.ids), [])
        return max((one.done for one in kept if not (again and one.refused)), default=0), ids

    def _learn(self, hall: Hall) -> None:
        """Read the links of earlier loads once, so that files of a later load may refer to them."""
        pairs = [("category", "urn:onmaru:document|load"), ("_count", "200"), ("_total", "none")]
        query = search.parse(("DocumentReference",), pairs)
        while True:
            page = hall.record.search(query)
            for version in page.matches:
                self.links.update(_kept(version.body).links)
            if not page.cursor:
                return
            query = msgspec.structs.replace(query, cursor=page.cursor)

    def _slice(self, hall: Hall, part: Sequence[tuple[Piece, str]], progress: Progress, receipt: Receipt) -> None:
        """One transaction; when an entry is refused, its neighbours go in without it."""
        good = []
        for piece, id in part:
            known = self._meant.resolved(piece)
            if known.refused is not None:
                self._refuse(hall, (piece, id), known.refused, receipt)
            else:
                good.append((known, id))
        while True:
            changes = [self._change(piece, id) for piece, id in good]
            try:
                mark = self._mark(progress, good, len(part) - len(good))
                letters = self._letter(self._refused) if self._told else ()
                written = hall.record.write([*changes, mark, *letters])
                break
            except Invalid as error:
                bad = self._bad(hall, good, error)
                for number in sorted(bad):
                    self._refuse(hall, good[number], error, receipt)
                good = [one for number, one in enumerate(good) if number not in bad]
        for done in written[: len(good)]:
            version = done.version
            receipt.accepted += 1
            receipt.created.append(version.name)
            receipt.by_type[version.type] = receipt.by_type.get(version.type, 0) + 1
        receipt.position = max(receipt.position, *(done.version.t for done in written))

    def _bad(self, hall: Hall, good: Sequence[tuple[Piece, str]], error: Invalid) -> set[int]:
        """Which entries a refusal is about; where nothing can be written just now, no entry is to blame for it."""
        if error.status in (429, 503, 507) or not good:
            raise error
        bad = {number for issue in error.issues if (number := _number(issue)) is not None}
        if not bad or len(good) == 1:
            if len(good) > 1 and self._told is not None:
                raise _Unnamed
            bad = set(range(len(good))) if len(good) == 1 else self._alone(hall, good)
        return bad

    def _alone(self, hall: Hall, good: Sequence[tuple[Piece, str]]) -> set[int]:
        """Which entries cannot be written for themselves, when the refusal does not name them."""
        bad = set()
        for number, (piece, _) in enumerate(good):
            try:
                structure.decode(verbatim.compact(piece.body), piece.change.type or None)
            except Invalid:
                bad.add(number)
        return bad or set(range(len(good)))

    def _refuse(self, hall: Hall, refused: tuple[Piece, str], error: Invalid, receipt: Receipt) -> None:
        piece, id = refused
        receipt.rejected += 1
        if receipt.ack == "AA":
            issue = error.issues[0]
            receipt.ack, receipt.location = "AE", piece.place
            receipt.reason = f"{issue.expression}: {issue.text}" if issue.expression else issue.text
        if self._told is not None:
            self._told.append(Problem(piece.place, list(error.issues[:TOLD])))
            self._refused.append((piece, error))
            if self._came is None:
                return
        receipt.dead += 1
        receipt.letters.append(self._bury(hall, self._original_of(piece), id if piece.promised else "", error))

    def _original_of(self, piece: Piece) -> Piece:
        """What is kept to be mended is what came."""
        if self._told is not None and self._came is not None:
            return msgspec.structs.replace(piece, body=self._came[piece.place])
        if piece.change.ready is None:
            return piece
        return next(one for one in pieces(self._original()) if one.place == piece.place)

    def _change(self, piece: Piece, id: str) -> Change:
        change = piece.change
        return msgspec.structs.replace(
            change,
            id=id if change.op == "create" else change.id,
            name="" if piece.promised else piece.name,
            links=self.links if b'"urn:' in piece.body else {},
            compacted=piece.compacted,
        )

    def _mark(self, progress: Progress, good: Sequence[tuple[Piece, str]], refused: int) -> Change:
        """The load's own entry in the same transaction: how far the file is in, and where its names lead."""
        named = ((piece, id) for piece, id in good if piece.promised and piece.name.startswith("urn:"))
        links = {piece.name: f"{piece.change.type}/{id}" for piece, id in named}
        kept = msgspec.json.encode(Mark(progress.done, progress.ids, links, refused, self._told or []))
        attachment = {"contentType": "application/json", "data": base64.b64encode(kept).decode()}
        document = {
            "resourceType": "DocumentReference",
            "identifier": [{"system": FILE, "value": progress.digest}],
            "status": "current",
            "category": [{"coding": [{"system": "urn:onmaru:document", "code": "load"}]}],
            "content": [{"attachment": attachment}],
        }
        return Change("create", "DocumentReference", body=msgspec.json.encode(document))


class _Unnamed(Exception):
    """A transaction was refused without a word about which entry is to blame."""


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


class Problem(msgspec.Struct, frozen=True):
    """Why what stands at a place of a file was not taken."""

    place: str
    issues: list[Issue]


class Mark(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a mark says in its attachment; nothing, where it is no mark of ours. `refused` entries were not taken."""

    done: int = 0
    ids: list[str] = []
    links: dict[str, str] = {}
    refused: int = 0
    problems: list[Problem] = []


class _Attachment(msgspec.Struct):
    data: str = ""


class _Content(msgspec.Struct):
    attachment: _Attachment


class _Document(msgspec.Struct):
    content: list[_Content]


def _kept(body: bytes | None) -> Mark:
    try:
        mark = msgspec.json.decode(body or b"", type=_Document)
        return msgspec.json.decode(base64.b64decode(mark.content[0].attachment.data), type=Mark)
    except (msgspec.MsgspecError, ValueError, IndexError):
        return Mark()


def _free(hall: Hall, type: str, id: str) -> bool:
    """Whether nothing ever had this id."""
    try:
        hall.record.read(type, id)
    except Invalid as error:
        return error.status == 404
    return False


def _number(issue: Issue) -> int | None:
    match = re.match(r"Bundle\.entry\[(\d+)\]", issue.expression)
    return int(match.group(1)) if match else None
