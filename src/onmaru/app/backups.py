"""`onmaru backup`: tenants backed up beside a running server, each backup restored and proved, and the ways back."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from onmaru.app import noted
from onmaru.app import settings as chosen
from onmaru.app.house import MAIN, House, now, place
from onmaru.app.lines import say
from onmaru.app.progress import progress
from onmaru.app.refusal import DONE, NO, REFUSED, Refusal
from onmaru.app.restoring import Source, Wanted, packed, proved, restored
from onmaru.engines.backup import pruning, speaking, writing
from onmaru.engines.backup.forms import Config, Damaged, Point, folder_of
from onmaru.engines.backup.reading import Reading
from onmaru.engines.backup.repository import Folder, Repository
from onmaru.engines.backup.restoring import ENDLESS
from onmaru.engines.keyring import write_new
from onmaru.engines.sqlite.verify import Report

KEY = "backup.key"
_json = click.option("--json", is_flag=True, help="Print JSON; the last line is the result.")
_scratch = click.option(
    "--scratch",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Where a backup is restored to be proved; by default the system's folder for such things.",
)


@click.group()
def backup() -> None:
    """Back tenants up, prove the backups, restore from them. The setting `backup` says where they lie."""


@backup.command("init")
@click.option("--keep-days", type=click.IntRange(1, 36_500), default=30, show_default=True,
              help="For how many days nothing may be pruned.")  # fmt: skip
@click.option("--pruner", type=click.Path(path_type=Path, dir_okay=False), required=True,
              help="A new file for the key that pruning needs: take it away from this machine.")  # fmt: skip
@_json
def init(keep_days: int, pruner: Path, json: bool) -> None:
    """Begin a repository at the setting `backup`, and make its key among the `keys`. Back that key up, apart."""
    where = place()
    key = where.keys / KEY
    if not key.exists():
        where.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_new(key, os.urandom(32))
    try:
        config = pruning.begin(_repository(), key.read_bytes(), keep_days, pruner, now())
    except pruning.Occupied:
        raise Refusal("there is a repository already, or the pruner's file is there", REFUSED) from None
    say({"keep_days": config.keep_days, "key": str(key), "pruner": str(pruner)}, json=json)


@backup.command("run")
@click.option("--tenant", default="", help="Only this tenant; by default all.")
@click.option("--full", is_flag=True, help="Begin anew, so that older points can be pruned one day.")
@click.option("--unproved", is_flag=True, help="Do not restore and prove it now; `backup verify` does that later.")
@_scratch
@_json
def run(tenant: str, full: bool, unproved: bool, scratch: Path | None, json: bool) -> int:
    """Write what came since the last backup, then restore it all and prove it. Exit 1 where a proof fails."""
    house = House(place(), rooms=())
    secret, repository, _ = _opened()
    good = True
    for name in [tenant] if tenant else house.tenants():
        if not _recorded(house, name):
            if tenant:
                raise Refusal(f"there is nothing of a tenant {tenant} in this home")
            continue
        keys, ring = house.keys(name)
        lines = writing.Lines(repository, secret, folder_of(secret, name))
        reading = partial(Reading, house.folder(name), keys) if house.store is None else house.store.reading(keys)
        source = writing.Source(name, house.folder(name), ring, packed(house, name), reading)
        with progress("Positions", None, quiet=json) as advance:
            try:
                line, point = writing.Writing(lines, secret, source, now).run(full=full, told=advance)
            except writing.Overtaken:
                raise Refusal(f"another backup of {name} is under way", REFUSED) from None
        said = _told(line, point)
        if not unproved:
            good &= _prove(Source(lines, secret, house.where), line, point.number, scratch, said)
        noted.note(house.where.home, said)
        say(said, json=json)
    return DONE if good else NO


@backup.command("list")
@click.option("--tenant", default=MAIN, show_default=True, help="Whose backups.")
@_json
def listing(tenant: str, json: bool) -> None:
    """List the points that can be gone back to, oldest first."""
    source = _source(tenant)
    for line in source.lines.lines():
        good = source.lines.proved(line)
        for number in source.lines.numbers(line):
            try:
                point = source.lines.point(line, number)
            except Damaged as error:
                say({"tenant": tenant, "line": line, "number": number, "wrong": str(error)}, json=json)
                continue
            if point.whole:
                say({**_told(line, point), "proved": number in good}, json=json)


@backup.command("verify")
@click.option("--tenant", default=MAIN, show_default=True, help="Whose backup.")
@click.option("--line", default="", help="Of this line; by default the newest.")
@click.option("--number", default=0, help="This point of it; by default the newest.")
@_scratch
@_json
def verify(tenant: str, line: str, number: int, scratch: Path | None, json: bool) -> int:
    """Restore a backup into a scratch home and prove all of it. Exit 1 where anything is not as it was written."""
    source = _source(tenant)
    line, point = _chosen(source, line, number)
    said = _told(line, point)
    good = _prove(source, line, point.number, scratch, said)
    noted.note(source.where.home, said)
    say(said, json=json)
    return DONE if good else NO


@backup.command("restore")
@click.argument("tenant")
@click.option("--to", "home", type=click.Path(path_type=Path, file_okay=False), required=True,
              help="The home to restore into; the tenant must not be in it.")  # fmt: skip
@click.option("--position", type=click.IntRange(0), default=None, help="The last position wanted; by default all.")
@click.option("--at", "moment", default="", help="As it was at this time, 2026-11-23T05:00:00Z; by default all.")
@click.option("--from", "origin", default="", metavar="LINE[:NUMBER]",
              help="From this line, or this point of it; by default the newest.")  # fmt: skip
@_json
def restore(tenant: str, home: Path, position: int | None, moment: str, origin: str, json: bool) -> int:
    """Make a home with TENANT as it was at a position or a time. What was erased since is erased there too.

    The keys have to be those of before. Its people and apps come along, its tokens do not. The witness is told.
    """
    source = _source(tenant)
    line, _, number = origin.partition(":")
    line, point = _chosen(source, line, int(number) if number.isdigit() else 0)
    until = ENDLESS if position is None else position
    wanted = Wanted(line, point.number, until, _time(moment) if moment else ENDLESS)
    with progress("Positions", None, quiet=json) as advance, _damage():
        report, unread = restored(source, wanted, home.expanduser().resolve(), advance)
    said = {"tenant": tenant, "ok": report.ok, "home": str(home), **_counts(report)}
    if unread:
        said["erasures_unread_in_points"] = unread
    say(said, json=json)
    return DONE if report.ok else NO


@backup.command("prune")
@click.option("--pruner", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True,
              help="The key that `backup init` wrote.")  # fmt: skip
@_json
def prune(pruner: Path, json: bool) -> None:
    """Take away lines that ended longer ago than the repository keeps them, where a newer one is proved."""
    address = str(chosen.load()["backup"].value)
    if not address or address.startswith("command:"):
        raise Refusal("prune where the folder of the repository is: the setting `backup` has to be that folder")
    try:
        with _damage():
            found = list(pruning.Pruning(Path(address).expanduser(), _secret(), pruner, now()).run())
    except pruning.WrongKey:
        raise Refusal("this is not the key that the repository was made with", REFUSED) from None
    counts: dict[str, int] = {}
    for what, count in found:
        counts[what] = counts.get(what, 0) + count
    say(counts, json=json)


@backup.command("keep")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def keep(folder: Path) -> None:
    """Keep the repository in FOLDER for whoever is at the other end of stdin and stdout: to add to and read, no more.

    Run it as another user, best on another machine, as an ssh forced command.
    """
    speaking.keep(Folder(folder), sys.stdin.buffer, sys.stdout.buffer)


# -- what they share -------------------------------------------------------------------------------------------------


def _recorded(house: House, tenant: str) -> bool:
    """Whether there is a record of the tenant where this house keeps records."""
    if house.store is not None:
        return house.store.recorded(tenant)
    return (house.folder(tenant) / "log.db").exists()


def _repository() -> Repository:
    address = str(chosen.load()["backup"].value)
    if not address:
        raise Refusal("the setting `backup` has to say where backups lie")
    found = speaking.found(address)
    if isinstance(found, speaking.Spoken):
        click.get_current_context().call_on_close(found.close)
    return found


def _secret() -> bytes:
    key = place().keys / KEY
    if not key.exists():
        raise Refusal("there is no key for backups among the keys; `onmaru backup init` makes it")
    return key.read_bytes()


def _opened() -> tuple[bytes, Repository, Config]:
    secret, repository = _secret(), _repository()
    try:
        with _damage():
            return secret, repository, pruning.opened(repository, secret)
    except FileNotFoundError:
        raise Refusal("there is no repository there; `onmaru backup init` begins one") from None


def _source(tenant: str) -> Source:
    secret, repository, _ = _opened()
    return Source(writing.Lines(repository, secret, folder_of(secret, tenant)), secret, place())


def _readable(source: Source, line: str, number: int) -> Point:
    with _damage():
        return source.lines.point(line, number)


def _chosen(source: Source, line: str, number: int) -> tuple[str, Point]:
    """A whole point: the one that was named, or the newest."""
    lines = [line] if line else list(reversed(source.lines.lines()))
    for one in lines:
        for each in [number] if number else reversed(source.lines.numbers(one)):
            point = _readable(source, one, each)
            if point.whole:
                return one, point
    raise Refusal("there is no such backup; `onmaru backup list` lists them")


def _prove(source: Source, line: str, number: int, scratch: Path | None, said: dict[str, Any]) -> bool:
    """Restore and prove a point; what was found is added to `said`."""
    try:
        proof, report = proved(source, line, number, scratch, lambda t: None)
    except Damaged as error:
        said.update(proved=False, wrong=str(error))
        return False
    said.update(proved=report.ok, **_counts(report))
    if report.ok:
        source.lines.keep(line, "proved", number, proof)
    return report.ok


def _counts(report: Report) -> Mapping[str, Any]:
    counts = {name: getattr(report, name) for name in ("entries", "bodies", "erased", "audit_rows", "blobs")}
    wrong = report.wrong[0] if report.wrong else None
    return counts if wrong is None else {**counts, "wrong": f"{wrong.file} {wrong.entry}: {wrong.what}"}


def _told(line: str, point: Point) -> dict[str, Any]:
    return {"tenant": point.tenant, "line": line, "number": point.number, "at": _stamp(point.at), "position": point.t}


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except Damaged as error:
        raise Refusal(str(error), REFUSED) from error


def _stamp(at: int) -> str:
    return datetime.fromtimestamp(at / 1e6, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _time(text: str) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal("--at is a date and time such as 2026-11-23T05:00:00Z", REFUSED) from None
    if found.tzinfo is None:
        raise Refusal("--at needs a zone: Z, or +09:00", REFUSED)
    return int(found.timestamp() * 1e6) + 1
