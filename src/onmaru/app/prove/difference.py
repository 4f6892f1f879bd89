"""Proof that what is hidden changes no answer: 10,000 random requests to a record with it and to one without."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import msgspec

from onmaru.app.evidence import Figures, Proof
from onmaru.app.house import MAIN, House, Place
from onmaru.app.prove.ground import environment, free_port, until_answered
from onmaru.app.prove.notified import Ear, told
from onmaru.app.prove.twins import PURPOSES, Asker, Fact, Questions, bare, changes, charts, world
from onmaru.kernel.accounts import User
from onmaru.kernel.lake import View
from onmaru.kernel.record import Change

PATIENTS = 60
REQUESTS = 10_000
# Patients who come while subscriptions wait, and what is written of them first
LATER = 12
ORDER = {"Consent": 0, "Patient": 1}
LOADER = User(MAIN, "loader", "loader", ("system",))


class Twin:
    """One house in a folder, its server and its asker."""

    def __init__(self, folder: Path, asker: Asker, written: Sequence[Change]) -> None:
        self.place = Place(folder / "home", folder / "keys", folder / "witness")
        self.asker = asker
        self.user = User(MAIN, asker, asker, (asker,))
        self._port = free_port()
        house = House(self.place)
        record = house.hall(house.logins.acting(LOADER, "")).record
        for change in written:
            record.write([change])
        house.seat(MAIN).home.wait(house.seat(MAIN).home.tip())
        house.catch_up(MAIN)
        for user in (self.user, LOADER):
            house.logins.keep_user(user)
        self._token, _ = house.logins.issue(self.user, "")
        self._loader, _ = house.logins.issue(LOADER, "")
        self.tables = self._tables(house)
        house.close()

    def _tables(self, house: House) -> dict[str, Any]:
        """Every row of every table of the rooms that the asker sees, as a page of care and as secondary use."""
        lake, found = house.hall(house.logins.acting(self.user, PURPOSES[self.asker])).lake, {}
        for table in lake.tables():
            # Words of a vocabulary are of no resource
            named = [name for name in ("_source",) if name in lake.layout(table.name).columns.names]
            columns = ", ".join(f'"{name}"' for name in [*named, *(name for name, _ in table.columns)])
            for secondary in {False, self.asker == "data-manager"}:
                sql = f'SELECT {columns} FROM "{table.name}" ORDER BY {columns}'  # noqa: S608 - our names
                rows = lake.query(View("difference", sql, (table.name,), secondary), {}).table
                found[f"{table.name} {secondary}"] = rows.to_pylist()
        return found

    @contextlib.contextmanager
    def served(self) -> Iterator[None]:
        """The server of this house, for `ask`."""
        self._ear = Ear()
        (self.place.home / "onmaru.toml").write_text('[outbound.main]\nhosts = ["127.0.0.1"]\n', "utf-8")
        told_of = environment(self.place, self._port, ONMARU_OUTBOUND_LOCAL=f"127.0.0.1:{self._ear.port}")
        argv = [sys.executable, "-m", "onmaru.app.prove.watched"]
        process = subprocess.Popen(argv, env=told_of, stdout=subprocess.PIPE)  # noqa: S603 - a program of ours
        self._line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            until_answered(self._port)
            yield
        finally:
            process.terminate()
            process.communicate(timeout=120)
            self._ear.close()

    def notified(self, written: Sequence[Change]) -> dict[str, list[bytes]]:
        """What subscriptions of the asker tell of what is written now."""
        found = told(self._spoken, self._written, self._ear, written)
        return {criteria: [bare(one) for one in each] for criteria, each in found.items()}

    def _spoken(self, method: str, url: str, body: bytes) -> tuple[int, bytes]:
        status, _, answer = self._once(method, url, body)
        return status, answer

    def _written(self, method: str, url: str, body: bytes) -> tuple[int, bytes]:
        status, _, answer = self._once(method, url, body, self._loader)
        return status, answer

    def ask(self, url: str) -> tuple[int, bytes]:
        """Status and body of a GET, by the asker for the purpose of theirs; of an export all lines of its files."""
        status, told, answer = self._once("GET", url)
        if "$viewdefinition-run" in url:
            return status, b"\n".join(sorted(answer.splitlines()))
        if "$export" not in url or status != 202:
            return status, answer
        job = urlsplit(told["content-location"]).path
        while (polled := self._once("GET", job))[0] == 202:
            time.sleep(0.02)
        assert polled[0] == 200, f"{url}: the export ended with {polled[0]}"
        manifest = json.loads(polled[2])
        # An export is itself a Task of the record, with a worker and a key of its own
        lines = [line for one in manifest["output"] for line in self._file(one) if one["type"] != "Task"]
        self._once("DELETE", job)
        return 200, b"\n".join(sorted(lines)) + json.dumps(len(manifest.get("error", ()))).encode()

    def _file(self, one: Mapping[str, Any]) -> Sequence[bytes]:
        parts = urlsplit(one["url"])
        status, _, body = self._once("GET", f"{parts.path}?{parts.query}")
        lines = body.splitlines()
        assert status == 200 and len(lines) == one["count"], "a file is not as its manifest says"
        return lines

    def _once(self, method: str, url: str, body: bytes = b"", token: str = "") -> tuple[int, Mapping[str, str], bytes]:
        told = {"authorization": f"Bearer {token or self._token}", "host": "twin"}
        if not token:
            told["x-onmaru-purpose"] = PURPOSES[self.asker]
        if body:
            told["content-type"] = "application/fhir+json"
        if "$export" in url:
            told["prefer"] = "respond-async"
        try:
            self._line.request(method, url, body or None, told)
            answer = self._line.getresponse()
        except (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected):
            # While the other twin was asked the server has closed an idle line
            self._line.close()
            self._line.request(method, url, body or None, told)
            answer = self._line.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def compared(full: Twin, bereft: Twin, facts: Sequence[Fact], later: Sequence[Fact], many: int) -> Counter[str]:
    """Ask both the same; how often each kind of path was asked, and how often it found something (`... found`)."""
    counted: Counter[str] = Counter()
    assert full.tables == bereft.tables, next(name for name in full.tables if full.tables[name] != bereft.tables[name])
    with full.served(), bereft.served():
        for url in islice(Questions(facts, many, rooms=True), many):
            (status, one), (other, two) = full.ask(url), bereft.ask(url)
            assert status == other and bare(one) == bare(two), f"{full.asker} {url}: {status} and {other} differ"
            kind = _kind(url)
            counted[kind] += 1
            counted[f"{kind} found"] += status == 200 and len(one) > 400
        here, there = full.notified([*changes(later, None)]), bereft.notified([*changes(later, full.asker)])
        for criteria, events in here.items():
            assert events == there[criteria], f"{full.asker} is told otherwise of {criteria}"
            counted["events"] += len(events) - 1
    return counted


def _kind(url: str) -> str:
    """What is asked, by the way it is answered."""
    for name in ("$export", "$viewdefinition-run", "$meta"):
        if name in url:
            return name
    return url.partition("?")[0].split("/")[1]


def coming(numbers: Iterable[int]) -> list[Fact]:
    """Patients written while subscriptions wait: what hides a chart first, and no version that only a later one hides."""
    facts = sorted(charts(numbers, 8), key=lambda fact: ORDER.get(fact.change.type, len(ORDER)))
    lasts = (msgspec.structs.replace(fact.change, body=fact.change.body.rpartition(b"\n")[2]) for fact in facts)
    return [Fact(change, fact.hidden) for change, fact in zip(lasts, facts, strict=True)]


def difference(patients: int = PATIENTS, requests: int = REQUESTS) -> Figures:
    """For each asker a record with what is hidden from it and one without, asked the same."""
    facts = world(patients, 7)
    figures: dict[str, Any] = {"versions": sum(1 for _ in changes(facts, None))}
    later = coming(range(patients, patients + LATER))
    for asker in get_args(Asker):
        with tempfile.TemporaryDirectory(prefix="onmaru-difference-") as scratch:
            full = Twin(Path(scratch) / "full", asker, [*changes(facts, None)])
            bereft = Twin(Path(scratch) / "bereft", asker, [*changes(facts, asker)])
            counted = compared(full, bereft, facts, later, requests // 2)
        figures[f"{asker}: hidden resources"] = sum(asker in fact.hidden for fact in facts)
        figures[f"{asker}: rows of tables"] = sum(len(rows) for rows in full.tables.values())
        figures |= {f"{asker}: {kind}": count for kind, count in sorted(counted.items())}
    return figures


PROOFS = (
    Proof(
        "3.difference",
        "What consents and labels hide changes no answer: with it and without, 10,000 random requests are answered alike.",
        difference,
    ),
)
