"""`GET AuditEvent?…` for who keeps the audit trail: its rows as AuditEvents, newest first. Reading it leaves a row too.

Everybody else searches the AuditEvents of the record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.fhir.search.dates import span
from onmaru.kernel.access import may_open
from onmaru.kernel.audit import Access, access
from onmaru.kernel.audit_event import ROW, event
from onmaru.kernel.room import Hall, Request, Response
from onmaru.web.answers import FHIR
from onmaru.web.doors import AuditFilter, Doors
from onmaru.web.fhir.bundles import bundle, link, query_of
from onmaru.web.fhir.negotiation import FORM

PAGE = 50
Ask = Callable[[Request, Hall], Response]


class Trails:
    """Wraps the record's own search and read of AuditEvents; `most` bounds `_count`."""

    def __init__(self, doors: Doors, search: Ask, read: Ask) -> None:
        self._doors = doors
        self._search = search
        self._read = read

    def search(self, request: Request, hall: Hall) -> Response:
        """Asked by `date`, `patient`, `agent-name` or `altid`, `_count`, `_cursor`; anything else gets 400."""
        if request.params["type"] != "AuditEvent" or not self._keeps(hall):
            return self._search(request, hall)
        pairs = [pair for pair in request.query if pair[0] == "_cursor" or pair[0] not in FORM]
        wanted = filtered(pairs, self._doors.settings.page)
        rows = self._doors.audit_page(hall, wanted)
        self._note(hall, f"AuditEvent?{query_of(pairs)}", (wanted.patient,) if wanted.patient else ())
        base = request.params["base"]
        used = query_of([pair for pair in pairs if pair[0] != "_cursor"])
        links = [link("self", f"{base}/AuditEvent", query_of(pairs))]
        if len(rows) == wanted.count and rows[-1][0] > 1:
            links.append(
                link("next", f"{base}/AuditEvent", f"{used}{'&' if used else ''}_cursor={quote(str(rows[-1][0]))}")
            )
        return Response(200, bundle("searchset", [_entry(base, *one) for one in rows], links, None), FHIR)

    def read(self, request: Request, hall: Hall) -> Response:
        """One row by its number, `row-NUMBER`."""
        id = request.params["id"]
        if request.params["type"] != "AuditEvent" or not id.startswith(ROW) or not self._keeps(hall):
            return self._read(request, hall)
        number = id.removeprefix(ROW)
        before = int(number) + 1 if number.isdecimal() and len(number) < 16 else 1
        rows = self._doors.audit_page(hall, AuditFilter(before=before, count=1)) if before > 1 else ()
        self._note(hall, f"AuditEvent/{id}", ())
        if not rows or rows[0][0] != before - 1:
            raise invalid("not-found", "no such row of the trail", status=404)
        return Response(200, msgspec.json.encode(event(*rows[0])), FHIR)

    def _keeps(self, hall: Hall) -> bool:
        table = self._doors.logins.table
        granted = any(
            scope.type in ("*", "AuditEvent") and "s" in scope.verbs and not scope.search and scope.context != "patient"
            for scope in hall.caller.scopes
        )
        return granted and may_open(hall.caller, "audit", table) and hall.caller.purpose == "HOPERAT"

    def _note(self, hall: Hall, target: str, patients: tuple[str, ...]) -> None:
        row = access(hall.caller, "search", target, self._doors.logins.now(), patients=patients)
        self._doors.audit(hall.caller.tenant, row)


def filtered(pairs: Sequence[tuple[str, str]], most: int) -> AuditFilter:
    """A search of the trail; `Invalid` 400 for what it is not kept by."""
    found: dict[str, str | int] = {"since": 0, "until": 2**62, "count": min(PAGE, most)}
    for name, value in pairs:
        if name == "date":
            _date(found, value)
        elif name in _NAMES:
            found[_NAMES[name]] = value.removeprefix("Patient/") if name == "patient" else value
        elif name in ("_count", "_cursor"):
            number = int(value) if value.isdecimal() and len(value) < 16 else 0
            if number < 1:
                raise invalid("value", "not a number from 1", name)
            found["count" if name == "_count" else "before"] = min(number, most) if name == "_count" else number
        elif name != "_sort" or value not in ("-date", "-_lastUpdated"):
            raise invalid("not-supported", "the audit trail is not kept by this; use date, patient, agent-name", name)
    return msgspec.convert(found, AuditFilter)


_NAMES: Mapping[str, str] = {"patient": "patient", "agent-name": "user", "altid": "user"}


def _date(found: dict[str, str | int], value: str) -> None:
    """Narrow by one date: eq, ge, gt, le, lt."""
    prefix, text = (value[:2], value[2:]) if value[:2].isalpha() else ("eq", value)
    try:
        low, high = span(text)
    except ValueError as error:
        raise invalid("value", "not a date or time of FHIR", "date") from error
    if prefix not in ("eq", "ge", "gt", "le", "lt"):
        raise invalid("not-supported", "dates of the trail are compared by eq, ge, gt, le and lt", "date")
    since = {"eq": low, "ge": low, "gt": high}.get(prefix, 0)
    until = {"eq": high, "le": high, "lt": low}.get(prefix, 2**62)
    found["since"] = max(int(found["since"]), since)
    found["until"] = min(int(found["until"]), until)


def _entry(base: str, number: int, row: Access) -> bytes:
    shown = event(number, row)
    entry = {"fullUrl": f"{base}/AuditEvent/{shown['id']}", "resource": shown, "search": {"mode": "match"}}
    return msgspec.json.encode(entry)
