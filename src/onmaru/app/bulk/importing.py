"""The work of an import: each file is fetched by the one way out, kept sealed, and written a stretch of lines at a time.

A stretch and its mark are one transaction: what was cut short goes on behind the last mark, what is in is not taken again.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO

import msgspec

from onmaru.adapters.ahead import refused_line
from onmaru.adapters.escaping import escape
from onmaru.adapters.fhirfile import FhirFiles, Mark, Problem, Progress, Refused
from onmaru.adapters.letters import SYSTEM as LETTER
from onmaru.adapters.letters import letter
from onmaru.adapters.lines import PART, Line, lines, plain
from onmaru.adapters.pieces import Piece
from onmaru.adapters.receipt import Receipt, Source
from onmaru.app.aside import Aside
from onmaru.app.bulk.board import File, Outcome
from onmaru.app.bulk.run import Run
from onmaru.app.errands import Readied
from onmaru.app.fresh import new_id
from onmaru.app.house import now, system
from onmaru.app.streaming import pieces, readied, stretches
from onmaru.engines.outbound import NetworkOutbound
from onmaru.fhir import search
from onmaru.fhir.outcome import Invalid, invalid
from onmaru.fhir.verbatim import instant
from onmaru.kernel.audit import access
from onmaru.kernel.caller import Caller, Scope
from onmaru.kernel.chart import Chart, Tenant
from onmaru.kernel.importing import Input, Wanted
from onmaru.kernel.outbound import Rules
from onmaru.kernel.record import Change
from onmaru.kernel.room import Hall

# Lines and about the bytes of one transaction: some ten milliseconds of the loop that answers everybody
STRETCH, BYTES = 250, 1 << 20
# Refused lines of a file that are told one by one; the newest, where there are more
TOLD = 20_000
# Places that a letter names one by one
PLACES = 20
# Bytes of a file from which another process is worth its start
WORTH = 1 << 20
# The mark of a stretch and the letter of what it refused are the house's own, whatever the caller may write. A scope of
# this context unbinds who is bound to one patient: nobody bound gets as far as this
MARKS = (Scope("system", "DocumentReference", frozenset("c")), Scope("system", "Task", frozenset("cs")))


class Manifest(msgspec.Struct, frozen=True):
    """What was asked, and when."""

    wanted: Wanted
    time: int


class Importing:
    """See `app/bulk/run.py` for what a work is."""

    kind = "import"

    def __init__(self, outbound: NetworkOutbound, rules: Rules) -> None:
        self._outbound = outbound
        self._rules = rules

    def pinned(self, tenant: Tenant, caller: Caller, asked: bytes) -> bytes:
        """`Invalid` 403 at once for who is bound to one patient, a type that the caller may not write and an address that
        nobody may be sent to.
        """
        wanted = msgspec.json.decode(asked, type=Wanted)
        _refuse_bound(tenant, caller)
        for one in wanted.input:
            refusal = next((why for verb in "cu" if (why := tenant.gate.refusal(caller, verb, one.type))), "")
            if refusal:
                tenant.trail.add(access(caller, "execute", "$import", tenant.now(), denied=refusal))
                raise invalid("forbidden", f"not permitted: {refusal}", status=403)
            if not one.url.startswith("Binary/") and "/Binary/" not in one.url:
                self._rules.target(caller.tenant, one.url)
        return msgspec.json.encode(Manifest(wanted, now()))

    async def run(self, run: Run) -> tuple[Outcome, Sequence[str]]:
        """File by file, in the order of the manifest."""
        asked = msgspec.json.decode(run.ticket.asked, type=Manifest)
        aside, made, kept = Aside(), [], dict(run.job.named("input "))
        try:
            for number, one in enumerate(asked.wanted.input):
                run.check()
                name = f"input {number}"
                try:
                    if name not in kept:
                        kept[name] = await run.keep(self._fetched(run, one))
                        run.board().marked(run.job, **kept)
                    digest = await asyncio.to_thread(_digest, run, kept[name])
                except Invalid as error:
                    made.append(await _unread(run, one, error))
                    continue
                share = (number / len(asked.wanted.input), 1 / len(asked.wanted.input))
                await _Taking(run, aside, digest, one).take(kept[name], share)
                made += await _told(run, digest, one)
        finally:
            await aside.close()
        run.board().drop(list(kept.values()))
        return Outcome(asked.time, 0, files=made), [one.blob for one in made if one.blob]

    def _fetched(self, run: Run, one: Input) -> Iterator[bytes]:
        """The bytes of an input, which are read in a thread: a Binary has been read by then."""
        id = one.binary(run.ticket.base)
        if id:
            return iter([_binary(run, id)])
        tenant = run.ticket.asker.tenant

        def parts() -> Iterator[bytes]:
            for part in self._outbound.stream(tenant, one.url):
                if run.over:
                    raise invalid("transient", "nobody waits for this any more", status=503)
                yield part

        return parts()


class _Taking:
    """One file on its way in."""

    def __init__(self, run: Run, aside: Aside, digest: str, input: Input) -> None:
        self._run = run
        self._aside = aside
        self._digest = digest
        self._input = input
        self._files = FhirFiles(new_id, _unburied, self._letter)
        self._came: dict[str, bytes] = {}
        # Blobs of letters of one stretch, and those of which some may belong to a transaction that was refused
        self._made: list[str] = []
        self._doubtful: set[str] = set()
        self._worth = False

    async def take(self, blob: str, share: tuple[float, float]) -> None:
        """Write what is not in yet; the next lines are made ready in another process meanwhile."""
        newest = next(self._files.marks(_own(self._run), self._digest), None)
        done = newest.done if newest is not None else 0
        source = _open(self._run, blob)
        size = source.seek(0, 2) or 1
        self._worth = size > WORTH
        source.seek(0)
        settling: asyncio.Future[object] | None = None
        with source:
            async for some, part in self._ready(_stretches(source, done)):
                done += len(part)
                self._came = {f"line {line.number}": line.data for line in some if line.data is not None}
                self._write(part, done)
                # The one before is on the disk: what is not there yet is never more than two stretches
                if settling is not None:
                    await settling
                settling = asyncio.ensure_future(self._run.settled())
                self._run.told(share[0] + share[1] * source.tell() / size)
        if settling is not None:
            await settling
        self._cleared()

    def _cleared(self) -> None:
        """Destroy the bytes of letters that were never written: a stretch that is refused whole is written in parts."""
        own = _own(self._run)
        for blob in self._doubtful:
            named = [("identifier", f"{LETTER}|import/{escape(blob)}"), ("_count", "1"), ("_total", "none")]
            if not own.record.search(search.parse(("Task",), named)).matches:
                own.blobs.drop([blob])

    async def _ready(self, stretches: Iterator[list[Line]]) -> AsyncIterator[tuple[list[Line], list[Piece]]]:
        ahead: asyncio.Task[tuple[list[Line], list[Piece]]] | None = None
        try:
            while True:
                some = await asyncio.to_thread(next, stretches, None)
                following = asyncio.create_task(self._readied(some)) if some else None
                before, ahead = ahead, following
                if before is not None:
                    yield await before
                if some is None:
                    return
        finally:
            if ahead is not None:
                ahead.cancel()

    async def _readied(self, some: list[Line]) -> tuple[list[Line], list[Piece]]:
        errand = readied(some, self._input.type)
        if errand is None:
            return some, pieces(some, None, self._input.type)
        reply = await (self._aside.carry(errand) if self._worth else asyncio.to_thread(errand.done))
        if not isinstance(reply, Readied):
            raise invalid("exception", "the server failed on this content", status=500)
        return some, pieces(some, reply, self._input.type)

    def _letter(self, refused: Sequence[Refused]) -> Sequence[Change]:
        """One dead letter with the lines of a stretch that were refused, as they came, but for those too long to be read."""
        kept = [(piece, error) for piece, error in refused if piece.place in self._came]
        if not kept:
            return ()
        data = b"\n".join([*(self._came[piece.place] for piece, _ in kept), b""])
        blob = _own(self._run).blobs.put([data], label="dead-letter")
        self._made.append(blob)
        places = ", ".join(piece.place for piece, _ in kept[:PLACES]) + (", …" if len(kept) > PLACES else "")
        receipt = Receipt("AE", rejected=len(kept), reason=kept[0][1].issues[0].text, location=places)
        source = Source("import", self._input.url, "fhir", lines=len(kept))
        return [letter(blob, len(data), source, receipt, instant(now()))]

    def _write(self, part: Sequence[Piece], done: int) -> None:
        """One transaction, by whoever asked, with what they may write now."""
        caller, gate = self._run.caller, self._run.tenant.gate
        _refuse_bound(self._run.tenant, caller)
        allowed = []
        for piece in part:
            why = gate.refusal(caller, "u" if piece.change.op == "update" else "c", piece.change.type)
            if why and piece.refused is None:
                denied = invalid("forbidden", f"not permitted: {why}", status=403)
                allowed.append(refused_line(piece.place, piece.change.type, denied))
            else:
                allowed.append(piece)
        keeper = msgspec.structs.replace(caller, scopes=(*caller.scopes, *MARKS))
        self._made = []
        self._files.stretch(self._run.house.hall(keeper), allowed, Progress(self._digest, done, []))
        if len(set(self._made)) > 1:
            self._doubtful.update(self._made)


def _refuse_bound(tenant: Tenant, caller: Caller) -> None:
    """`Invalid` 403 for a caller who is bound to one patient, as for an export: a file is of many."""
    if tenant.gate.sight(caller).only is not None:
        tenant.trail.add(access(caller, "execute", "$import", tenant.now(), denied="patient"))
        raise invalid("forbidden", "not permitted: patient", status=403)


async def _unread(run: Run, input: Input, error: Invalid) -> File:
    """What is told of a file that could not be had or read; where nobody may be sent there, the import ends."""
    if error.status == 403 or run.over:
        raise error
    problem = Problem("", list(error.issues))
    blob = await run.keep(_problems(Mark(problems=[problem]), input))
    return File("OperationOutcome", 1, blob=blob, of="error", source=input.url)


async def _told(run: Run, digest: str, input: Input) -> list[File]:
    """What came of a file, told by its marks: the same whenever it is asked, and however often it was cut short."""
    total = refused = 0
    told: list[bytes] = []
    for number, mark in enumerate(FhirFiles(new_id, _unburied).marks(_own(run), digest)):
        total, refused = max(total, mark.done), refused + mark.refused
        told = [*_problems(mark, input), *told] if len(told) < TOLD else told
        if number % 10 == 0:
            await asyncio.sleep(0)
    made = [File(input.type, total - refused, source=input.url)]
    if refused:
        made.append(File("OperationOutcome", len(told), blob=await run.keep(told), of="error", source=input.url))
    return made


def _problems(mark: Mark, input: Input) -> Iterator[bytes]:
    """An OperationOutcome a line that was refused; `details` names file and line."""
    for problem in mark.problems:
        issues: list[dict[str, Any]] = [
            {
                "severity": issue.severity,
                "code": issue.code,
                "details": {"text": f"{input.url} {problem.place}".strip()},
                "diagnostics": issue.text,
                **({"expression": [issue.expression]} if issue.expression else {}),
            }
            for issue in problem.issues
        ]
        yield msgspec.json.encode({"resourceType": "OperationOutcome", "issue": issues}) + b"\n"


def _stretches(source: BinaryIO, done: int) -> Iterator[list[Line]]:
    """The lines behind the first `done`."""
    return stretches(islice(lines(plain(_parts(source))), done, None), STRETCH, BYTES)


def _parts(source: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: source.read(PART), b"")


def _digest(run: Run, blob: str) -> str:
    """SHA-256 of a file's unpacked bytes, by which its marks are found."""
    digest = hashlib.sha256()
    with _open(run, blob) as source:
        for part in plain(_parts(source)):
            digest.update(part)
    return digest.hexdigest()


def _binary(run: Run, id: str) -> bytes:
    try:
        found = msgspec.json.decode(Chart(run.tenant, run.caller).read("Binary", id).body or b"{}")
        return base64.b64decode(found.get("data", ""))
    except ValueError as error:
        if isinstance(error, Invalid):
            raise
        raise invalid("value", "the Binary holds no data") from error


def _open(run: Run, blob: str) -> BinaryIO:
    return _own(run).blobs.open(blob)


def _own(run: Run) -> Hall:
    return run.house.hall(system(run.ticket.asker.tenant, "bulk"))


def _unburied(hall: Hall, piece: Piece, promised: str, error: Invalid) -> str:
    """What is refused here is told by the mark of its stretch."""
    raise RuntimeError("a line of an import is no dead letter")
