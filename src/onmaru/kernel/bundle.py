"""Batch and transaction Bundles (FHIR R4, 3.1.0.11): a transaction happens whole or not at all, a batch entry by entry."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from onmaru.fhir import verbatim
from onmaru.fhir.outcome import Invalid, Issue, invalid, outcome
from onmaru.fhir.search import parse
from onmaru.kernel import patching
from onmaru.kernel.entry import Item, item, pairs_of
from onmaru.kernel.errand import HEAVY, Errand, Open, Opened, Refused, Relink, Relinked, Result, carried
from onmaru.kernel.record import Change, Record, Written
from onmaru.kernel.stamps import phrase

# An answer that takes its time, begun by who drives the steps
Later = Callable[[], Awaitable[bytes]]
Get = Callable[[str], bytes | Later]
ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3}
# Entries of a batch that are acknowledged together
TOGETHER = 10
# Bytes of resources that the patches of one Bundle may make together: each is read and written as a whole
PATCHED = 16 << 20
# What one step tells who drives it: an errand that may be done elsewhere, an answer to be waited for, or the last position
# written, which what follows should see; 0: just a place to let others in
Step = Errand | Later | int
_RESTFUL = re.compile(r"(https?://\S+)/([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})")
_READ = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}(?:/_history/\d{1,18})?")
_PLACE = re.compile(r"Bundle\.entry\[(\d+)\]\.resource(?: [A-Z][A-Za-z]*)?(.*)")


class Limits(msgspec.Struct, frozen=True):
    """What one Bundle may hold, and whether a PUT may make the resource it names."""

    entries: int = 1000
    update_create: bool = True


class Processed(NamedTuple):
    """The response Bundle and the last position written (0: nothing was)."""

    body: bytes
    position: int


class Answered(msgspec.Struct, frozen=True):
    """What is sent in for a `Later`; a refusal is sent in as `Refused`."""

    body: bytes


Sent = Result | Answered


class Style(NamedTuple):
    """How answers are rendered: `base` is the server's FHIR base url, `whole` adds the resources written, `get` answers
    a GET entry (None: such entries are refused)."""

    base: str = ""
    whole: bool = False
    get: Get | None = None


def process(record: Record, raw: bytes, limits: Limits, style: Style | None = None) -> Processed:
    """Carry out a Bundle of type transaction or batch and answer with transaction-response or batch-response.

    A transaction that cannot be carried out raises `Invalid`: 400 (not such a Bundle, an entry without a usable request),
    404, 409, 412 (a condition or conditional reference without exactly one match), 413 (more entries than allowed), 422
    (resources that are not valid, all problems at once). In a batch only the entry concerned answers so.
    """
    running = steps(record, raw, limits, style or Style())
    while True:
        try:
            next(running)
        except StopIteration as end:
            done: Processed = end.value
            return done


def steps(record: Record, raw: bytes, limits: Limits, style: Style) -> Generator[Step, Sent | None, Processed]:
    """The same in steps of at most a few ms. A step that yields an errand may be sent its result."""
    opened: Opened = yield from carried(Open(raw, limits.entries))
    yield 0
    if opened.kind == "batch":
        return (yield from _batch(record, opened, limits, style))
    return (yield from _transaction(record, opened, limits, style))


def _transaction(
    record: Record, opened: Opened, limits: Limits, style: Style
) -> Generator[Step, Sent | None, Processed]:
    items, left = [], PATCHED
    for one in (yield from _items(opened, limits, style)):
        items.append(_patched(record, one, left))
        left -= _size(items[-1])
        yield 0
    bodies = yield from _linked(record, items, opened.references)
    ordered = sorted((i for i in items if i.method != "GET"), key=lambda i: ORDER[i.method])
    changes = [_bodied(i.change, bodies.get(i.number, b"")) for i in ordered if i.change]
    try:
        written = (yield from _wrote_in_steps(record, changes)) if changes else ()
    except Invalid as error:
        raise Invalid([_placed(issue, ordered) for issue in error.issues], error.status) from error
    position = max((one.version.t for one in written), default=0)
    yield position
    answers: dict[int, bytes] = {}
    for asked, done in zip(ordered, written, strict=True):
        answers[asked.number] = _wrote(done, style)
        yield 0
    for one in items:
        if one.method == "GET":
            yield position
            answers[one.number] = yield from _got(one, style)
    return Processed(_response("transaction-response", [answers[i.number] for i in items]), position)


def _wrote_in_steps(record: Record, changes: Sequence[Change]) -> Generator[Step, Sent | None, Sequence[Written]]:
    running = record.steps(changes)
    result: Any = None
    while True:
        try:
            errand = running.send(result)
        except StopIteration as end:
            done: Sequence[Written] = end.value
            return done
        result = yield errand or 0


def _batch(record: Record, opened: Opened, limits: Limits, style: Style) -> Generator[Step, Sent | None, Processed]:
    position, left = 0, PATCHED
    answers = []
    for number in range(len(opened.entries)):
        entry = opened.entry(number)
        yield position if number % TOGETHER == 0 or entry.method == "GET" else 0
        try:
            one = _patched(record, item(number, entry, limits.update_create, style.base), left)
            left -= _size(one)
            if one.change is None:
                answers.append((yield from _got(one, style)))
                continue
            change = _bodied(one.change, (yield from _resolved(record, one, opened.references[number])))
            large = len(change.body) > HEAVY
            (wrote,) = (yield from _wrote_in_steps(record, [change])) if large else record.write([change])
        except Invalid as error:
            answers.append(_refused(error))
            continue
        position = max(position, wrote.version.t)
        answers.append(_wrote(wrote, style))
    return Processed(_response("batch-response", answers), position)


def _size(one: Item) -> int:
    return len(one.change.body) if one.patch is not None and one.change is not None else 0


def _patched(record: Record, one: Item, left: int) -> Item:
    """An entry with a patch as the update it comes to, of the version that stands now; 413 with no bytes `left`."""
    if one.patch is None or one.change is None:
        return one
    asked = one.change
    try:
        if left <= 0:
            raise invalid("too-costly", f"one Bundle patches resources of at most {PATCHED} bytes together", status=413)
        if asked.condition is None:
            current = record.read(asked.type, asked.id)
        else:
            found = record.search(msgspec.structs.replace(asked.condition, count=2, total="none")).matches
            if len(found) != 1:
                code, status = ("multiple-matches", 412) if found else ("not-found", 404)
                raise invalid(code, "a conditional patch needs exactly one match", status=status)
            current = found[0]
        change = patching.change(one.patch, current)
    except Invalid as error:
        raise Invalid([_in_entry(issue, one.number) for issue in error.issues], error.status) from error
    return msgspec.structs.replace(one, change=msgspec.structs.replace(change, name=asked.name))


def _in_entry(issue: Issue, number: int) -> Issue:
    return Issue(issue.code, issue.text, f"Bundle.entry[{number}] {issue.expression}".rstrip(), issue.severity)


def _bodied(change: Change, body: bytes) -> Change:
    return msgspec.structs.replace(change, body=body, compacted=True)


def _items(opened: Opened, limits: Limits, style: Style) -> Generator[Step, Sent | None, list[Item]]:
    """Every entry's request understood, or every problem at once."""
    items: list[Item] = []
    problems: list[Issue] = []
    names: set[str] = set()
    for number in range(len(opened.entries)):
        entry = opened.entry(number)
        try:
            items.append(item(number, entry, limits.update_create, style.base))
        except Invalid as error:
            problems += error.issues
        if entry.full_url and entry.full_url in names:
            problems.append(Issue("duplicate", "two entries have this fullUrl", f"Bundle.entry[{number}].fullUrl"))
        names.add(entry.full_url or "")
        yield 0
    if problems:
        raise Invalid(problems, 400)
    return items


# -- references ----------------------------------------------------------------------------------------------------


def _linked(
    record: Record, items: Sequence[Item], references: Sequence[Sequence[str]]
) -> Generator[Step, Sent | None, dict[int, bytes]]:
    """The bodies with conditional references and references relative to a fullUrl made to point at a fullUrl or resource."""
    made = {
        f"{i.change.type}?{i.if_none_exist}": i.change.name
        for i in items
        if i.change is not None and i.if_none_exist and i.change.name
    }
    relative = _relative(items)
    bodies: dict[int, bytes] = {}
    for one in items:
        if one.change is None or not one.change.body:
            continue
        links = dict(relative.get(_base_of(one), {}))
        for reference in references[one.number]:
            if reference not in made:
                made[reference] = meant(record, reference, one.number)
                yield 0
            links[reference] = made[reference]
        bodies[one.number] = yield from _relinked(one.change.body, links)
        yield 0
    return bodies


def _relinked(body: bytes, links: Mapping[str, str]) -> Generator[Step, Sent | None, bytes]:
    if not links:
        return body
    done: Relinked = yield from carried(Relink(body, links))
    return done.body


def _resolved(record: Record, one: Item, references: Sequence[str]) -> Generator[Step, Sent | None, bytes]:
    """A batch entry's body; its entries may not refer to each other, so only conditional references are resolved."""
    if one.change is None or not one.change.body:
        return b""
    return (yield from _relinked(one.change.body, {name: meant(record, name, one.number) for name in references}))


def meant(record: Record, reference: str, number: int) -> str:
    """The one resource that a conditional reference (`Patient?identifier=…`) means, as `Type/id`."""
    where = f"Bundle.entry[{number}].resource"
    type_name, _, criteria = reference.partition("?")
    query = msgspec.structs.replace(parse((type_name,), pairs_of(criteria, where)), count=2, total="none", cursor="")
    if not query.clauses:
        raise invalid("value", "a conditional reference without criteria", where, 412)
    found = record.search(query).matches
    if len(found) != 1:
        text = f"a conditional reference to {type_name} matches {'no' if not found else 'more than one'} resource"
        raise invalid("not-found" if not found else "multiple-matches", text, where, 412)
    return found[0].name


def _relative(items: Sequence[Item]) -> Mapping[str, Mapping[str, str]]:
    """By RESTful base: what `Type/id` of an entry to be created under that base stands for (its fullUrl)."""
    found: dict[str, dict[str, str]] = {}
    for one in items:
        match = _RESTFUL.fullmatch(one.change.name) if one.change is not None and one.method == "POST" else None
        if match and one.change is not None:
            found.setdefault(match[1], {})[match[2]] = one.change.name
    return found


def _base_of(one: Item) -> str:
    match = _RESTFUL.fullmatch(one.change.name) if one.change is not None else None
    return match[1] if match else ""


# -- answers -------------------------------------------------------------------------------------------------------


def _wrote(written: Written, style: Style) -> bytes:
    version, status = written.version, written.status
    if version.t == 0:
        return b'{"response":{"status":"204 No Content"}}'
    answer: dict[str, object] = {
        "status": phrase(status),
        "location": f"{style.base}/{version.name}/_history/{version.version}".lstrip("/"),
        "etag": f'W/"{version.version}"',
        "lastModified": verbatim.instant(version.at),
    }
    if written.warnings:
        answer["outcome"] = msgspec.Raw(outcome(written.warnings))
    rendered = msgspec.json.encode(answer)
    if style.whole and version.body is not None:
        return b'{"resource":' + version.body + b',"response":' + rendered + b"}"
    return b'{"response":' + rendered + b"}"


def _got(one: Item, style: Style) -> Generator[Step, Sent | None, bytes]:
    if style.get is None:
        raise invalid("not-supported", "GET entries are not taken here", f"Bundle.entry[{one.number}].request.method")
    try:
        body = style.get(one.url)
        if not isinstance(body, bytes):
            body = _sent((yield body))
    except Invalid as error:
        return _refused(error)
    if _READ.fullmatch(one.url):
        return _tagged(body, one.known)
    return b'{"resource":' + body + b',"response":{"status":"200 OK"}}'


class _Meta(msgspec.Struct, rename="camel", frozen=True):
    version_id: str = ""
    last_updated: str = ""


class _Tagged(msgspec.Struct, frozen=True):
    meta: _Meta = _Meta()


def _tagged(body: bytes, known: str) -> bytes:
    """A resource that was read, with its tag; not once more for who has it (R4 Bundle.entry.request.ifNoneMatch)."""
    meta = msgspec.json.decode(body, type=_Tagged).meta
    if not meta.version_id:
        return b'{"resource":' + body + b',"response":{"status":"200 OK"}}'
    tag = f'W/"{meta.version_id}"'
    same = any(one.strip() in (tag, tag[2:], "*") for one in known.split(","))
    response = {"status": phrase(304 if same else 200), "etag": tag, "lastModified": meta.last_updated}
    rendered = b'"response":' + msgspec.json.encode(response) + b"}"
    return b"{" + rendered if same else b'{"resource":' + body + b"," + rendered


def _sent(result: Sent | None) -> bytes:
    if isinstance(result, Refused):
        raise Invalid(result.issues, result.status)
    if not isinstance(result, Answered):
        raise TypeError("an answer that takes its time was not waited for")
    return result.body


def _refused(error: Invalid) -> bytes:
    status = msgspec.json.encode(phrase(error.status))
    return b'{"response":{"status":' + status + b',"outcome":' + outcome(error.issues) + b"}}"


def _response(kind: str, answers: Sequence[bytes]) -> bytes:
    head = b'{"resourceType":"Bundle","type":"' + kind.encode() + b'"'
    return head + (b',"entry":[' + b",".join(answers) + b"]" if answers else b"") + b"}"


def _placed(issue: Issue, ordered: Sequence[Item]) -> Issue:
    """An issue of `Record.write`, whose numbers count changes, told by the number of the Bundle's entry."""
    found = _PLACE.fullmatch(issue.expression)
    if found:
        place, rest = ordered[int(found[1])].number, found[2]
    elif len(ordered) == 1:
        place, rest = ordered[0].number, re.sub(r"^[A-Z][A-Za-z]*", "", issue.expression)
    else:
        return issue
    return Issue(issue.code, issue.text, f"Bundle.entry[{place}].resource{rest}", issue.severity)
