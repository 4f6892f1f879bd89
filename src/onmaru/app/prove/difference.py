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
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from onmaru.app.evidence import Figures, Proof
from onmaru.app.house import MAIN, House, Place
from onmaru.app.prove.ground import environment, free_port, until_answered
from onmaru.app.prove.twins import PURPOSES, Asker, Fact, Questions, bare, changes, world
from onmaru.kernel.accounts import User
from onmaru.kernel.lake import View
from onmaru.kernel.record import Change

PATIENTS = 60
REQUESTS = 10_000
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
        house.logins.keep_user(self.user)
        self._token, _ = house.logins.issue(self.user, "")
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
        argv = [sys.executable, "-m", "onmaru.app.prove.watched"]
        process = subprocess.Popen(argv, env=environment(self.place, self._port), stdout=subprocess.PIPE)  # noqa: S603 - a program of ours
        self._line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            until_answered(self._port)
            yield
        finally:
            process.terminate()
            process.communicate(timeout=120)

    def ask(self, url: str) -> tuple[int, bytes]:
        """Status and body of a GET, by the asker for the purpose of theirs; of an export all lines of its files."""
        status, told, answer = self._once("GET", url)
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

    def _once(self, method: str, url: str) -> tuple[int, Mapping[str, str], bytes]:
        told = {"authorization": f"Bearer {self._token}", "x-onmaru-purpose": PURPOSES[self.asker], "host": "twin"}
        if "$export" in url:
            told["prefer"] = "respond-async"
        try:
            self._line.request(method, url, headers=told)
            answer = self._line.getresponse()
        except (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected):
            # While the other twin was asked the server has closed an idle line
            self._line.close()
            self._line.request(method, url, headers=told)
            answer = self._line.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def compared(full: Twin, bereft: Twin, facts: Sequence[Fact], many: int) -> Counter[str]:
    """Ask both the same; how often each kind of path was asked, and how often it found something (`... found`)."""
    counted: Counter[str] = Counter()
    assert full.tables == bereft.tables, next(name for name in full.tables if full.tables[name] != bereft.tables[name])
    with full.served(), bereft.served():
        for url in islice(Questions(facts, many, rooms=True), many):
            (status, one), (other, two) = full.ask(url), bereft.ask(url)
            assert status == other and bare(one) == bare(two), f"{full.asker} {url}: {status} and {other} differ"
            kind = "export" if "$export" in url else url.partition("?")[0].split("/")[1]
            counted[kind] += 1
            counted[f"{kind} found"] += status == 200 and len(one) > 400
    return counted


def difference(patients: int = PATIENTS, requests: int = REQUESTS) -> Figures:
    """For each asker a record with what is hidden from it and one without, asked the same."""
    facts = world(patients, 7)
    figures: dict[str, Any] = {"versions": sum(1 for _ in changes(facts, None))}
    for asker in get_args(Asker):
        with tempfile.TemporaryDirectory(prefix="onmaru-difference-") as scratch:
            full = Twin(Path(scratch) / "full", asker, [*changes(facts, None)])
            bereft = Twin(Path(scratch) / "bereft", asker, [*changes(facts, asker)])
            counted = compared(full, bereft, facts, requests // 2)
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
