"""`onmaru audit`: the alarms on unusual access, and the audit trail as AuditEvents in NDJSON, at the keyboard of the house.

While a server runs it is asked; else the house is opened. Nothing shortens a trail but a purge of what is older than it has
to be kept, which the trail then tells of.
"""

from __future__ import annotations

import json as plain_json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.parse import urlencode

import click
import msgspec

from onmaru.adapters.reasons import Language
from onmaru.app import purging
from onmaru.app.asking import Server
from onmaru.app.house import MAIN, House, now, place, system
from onmaru.app.lines import say
from onmaru.app.refusal import REFUSED, Refusal
from onmaru.engines.sqlite.home import Taken
from onmaru.engines.trail import SealedTrail
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.accounts import User
from onmaru.kernel.alarms import ALARMS, closing
from onmaru.kernel.audit import Access
from onmaru.kernel.audit_event import event
from onmaru.web.api.alarms import shown
from onmaru.web.fhir.trail import filtered

KEEPER = User("", "onmaru-audit-purge", "onmaru audit purge", ("system",))
INSPECTOR = User("", "onmaru-audit", "onmaru audit", ("data-manager",))
BATCH = 500
Json = Mapping[str, Any]
Pairs = Sequence[tuple[str, str]]


class Source(Protocol):
    """Where the trail is read; newest first."""

    def alarms(self, language: Language) -> Iterator[Json]: ...

    def events(self, asked: Pairs) -> Iterator[bytes]: ...


class Opened:
    """The trail of a house that nobody serves. Reading it leaves a row too."""

    def __init__(self, house: House, tenant: str) -> None:
        self._home = house.seat(tenant).home
        self._trail: SealedTrail = self._home.trail

    def alarms(self, language: Language) -> Iterator[Json]:
        self._note("alarms")
        return (self._told(number, row, language) for number, row in self._pages({"patient": ALARMS}))

    def _told(self, number: int, row: Access, language: Language) -> Json:
        closed = self._trail.page(patient=closing(str(number)), count=1)
        return {**shown(number, row, language), "closed": {"reason": closed[0][1].reason} if closed else None}

    def events(self, asked: Pairs) -> Iterator[bytes]:
        self._note(f"AuditEvent?{urlencode(asked)}")
        wanted = filtered(asked, BATCH)
        bounds = {"patient": wanted.patient, "user": wanted.user, "since": wanted.since, "until": wanted.until}
        return (msgspec.json.encode(event(number, row)) for number, row in self._pages(bounds))

    def _pages(self, bounds: Mapping[str, Any]) -> Iterator[tuple[int, Access]]:
        before = 0
        while rows := self._trail.page(**bounds, before=before, count=BATCH):
            yield from rows
            before = rows[-1][0]

    def _note(self, target: str) -> None:
        row = Access(now(), INSPECTOR.user, INSPECTOR.roles, "HOPERAT", "search", target, (), True, "", "", "")
        self._trail.add(row)
        self._home.wait(self._home.tip())


class Served:
    """The trail of a running server."""

    def __init__(self, house: House, tenant: str) -> None:
        self._server = Server(house, tenant, INSPECTOR)

    def alarms(self, language: Language) -> Iterator[Json]:
        cursor = ""
        while True:
            page = plain_json.loads(self._server.ask("GET", f"/api/alarms?cursor={cursor}", None, language))
            yield from page["items"]
            cursor = page["cursor"]
            if not cursor:
                return

    def events(self, asked: Pairs) -> Iterator[bytes]:
        query = [*asked, ("_count", str(BATCH))]
        while True:
            page = plain_json.loads(self._server.ask("GET", f"/fhir/AuditEvent?{urlencode(query)}"))
            entries = page.get("entry", ())
            yield from (msgspec.json.encode(entry["resource"]) for entry in entries)
            if not any(link["relation"] == "next" for link in page["link"]):
                return
            last = entries[-1]["resource"]["id"].rpartition("-")[2]
            query = [*asked, ("_count", str(BATCH)), ("_cursor", last)]


@contextmanager
def trail(tenant: str) -> Iterator[Source]:
    """The trail of a tenant, of the running server where there is one."""
    house = House(place(), rooms=())
    if not house.exists(tenant):
        raise Refusal(f"there is no tenant {tenant}; `onmaru tenant list` lists them")
    try:
        try:
            found: Source = Opened(house, tenant)
        except Taken:
            found = Served(house, tenant)
        yield found
    finally:
        house.close()


_of = click.option("--tenant", default=MAIN, show_default=True, help="Whose trail.")


@click.group()
def audit() -> None:
    """See alarms on unusual access, export the audit trail, purge what is old of it. Beside a running server and without."""


@audit.command("alarms")
@_of
@click.option("--language", type=click.Choice(["ko", "en"]), default="en", show_default=True, help="Of the texts.")
@click.option("--most", default=100, show_default=True, type=click.IntRange(1), help="How many to list.")
@click.option("--json", is_flag=True, help="Print JSON.")
def alarms(tenant: str, language: Language, most: int, json: bool) -> None:
    """List alarms, newest first: which rule, who, when, whose record. A running server raises them within seconds."""
    with trail(tenant) as found:
        for _, item in zip(range(most), found.alarms(language), strict=False):
            closed = (item["closed"] or {}).get("reason", "")
            line = {**item, "patients": " ".join(item["patients"]), "roles": " ".join(item["roles"]), "closed": closed}
            say(line, json=json)


@audit.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--from", "since", default="", help="From this date or time on (FHIR form).")
@click.option("--to", "until", default="", help="Up to the end of this date or time.")
@click.option("--patient", default="", help="Accesses to this Patient id only.")
@click.option("--user", default="", help="Accesses of this user only.")
@_of
@click.option("--json", is_flag=True, help="Print JSON.")
def export(  # noqa: PLR0913 - click hands over each option as an argument
    file: Path, since: str, until: str, patient: str, user: str, tenant: str, json: bool
) -> None:
    """Write the trail as FHIR AuditEvents, one a line, newest first, into a new FILE that only its owner can read."""
    named = (("date", "ge", since), ("date", "le", until), ("patient", "", patient), ("agent-name", "", user))
    asked = [(name, prefix + value) for name, prefix, value in named if value]
    try:
        with trail(tenant) as found, open(file, "xb", opener=_own) as out:
            count = _write(out, found.events(asked))
    except FileExistsError:
        raise Refusal(f"{file} exists already", REFUSED) from None
    except Invalid as error:
        raise Refusal(error.issues[0].text, REFUSED) from None
    say({"events": count, "file": str(file)}, json=json)


@audit.command("purge")
@click.option("--reason", required=True, help="Why, as it stands in the trail; 4 to 500 characters.")
@click.option(
    "--years", type=int, default=None, help="Rows older than so many years; by default the setting audit_years."
)
@click.option("--dry-run", is_flag=True, help="Only tell what would go.")
@click.option("--yes", is_flag=True, help="Do not ask at a terminal.")
@_of
@click.option("--json", is_flag=True, help="Print JSON.")
def purge(reason: str, years: int | None, dry_run: bool, yes: bool, tenant: str, json: bool) -> None:
    """Take away the oldest rows for good, none younger than the setting audit_years (2 at least, as the law asks).

    A row of the trail says what went, under which rule and why; `onmaru verify` holds afterwards and tells it too.
    """
    if not (yes or json or dry_run) and sys.stdin.isatty():
        click.confirm("Purge the audit trail for good?", abort=True)
    house = House(place(), rooms=())
    if not house.exists(tenant):
        raise Refusal(f"there is no tenant {tenant}; `onmaru tenant list` lists them")
    try:
        say(_purged(house, tenant, years, reason, rehearse=dry_run), json=json)
    except Invalid as error:
        raise Refusal(error.issues[0].text, REFUSED) from None
    finally:
        house.close()


def _purged(house: House, tenant: str, years: int | None, reason: str, *, rehearse: bool) -> Json:
    try:
        house.seat(tenant)
    except Taken:
        asked = {"reason": reason, "years": years, "dryRun": rehearse}
        server = Server(house, tenant, KEEPER)
        answer: Json = plain_json.loads(server.ask("POST", "/api/audit/purge", plain_json.dumps(asked).encode()))
        return answer
    return purging.purged(
        house, system(tenant, KEEPER.user), purging.wish(house, tenant, years, reason), rehearse=rehearse
    )


def _own(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _write(out: BinaryIO, lines: Iterator[bytes]) -> int:
    count = 0
    for line in lines:
        out.write(line + b"\n")
        count += 1
    return count
