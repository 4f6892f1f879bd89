"""The floor: msgspec and SQLite with the same index rows and the same fsync, without policy, audit, history or encryption.

`python bench/_floor.py FOLDER PORT NDJSON` loads and serves create, transaction, read and search by patient and code.
"""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import apsw
import msgspec
import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server

from onmaru.engines.index.tables import paired
from onmaru.engines.sqlite.schema import INSERTS, SCHEMA
from onmaru.fhir import search, verbatim
from onmaru.fhir.structure import stored

PRAGMAS = ("page_size=8192", "journal_mode=wal", "synchronous=normal", "cache_size=-262144")
TABLES = ("ver", "hist", "comp", "pc", "tok", "ref", "dat", "str", "qty", "txt")


class Ids(dict[str, int]):
    """Small integers for names; `fresh` are rows for those not stored yet."""

    def __init__(self) -> None:
        self.fresh: list[tuple[Any, ...]] = []

    def __missing__(self, name: str) -> int:
        self[name] = found = len(self)
        self.fresh.append((found, *name.partition("/")[::2]))
        return found


class Rows:
    """The rows of bodies as they came, and of the follower's index, gathered by table until the next commit."""

    def __init__(self) -> None:
        self.codes, self.rids = Ids(), Ids()
        self.t = 0
        self.rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in (*TABLES, "body")}

    def add(self, type: str, id: str, raw: bytes) -> None:
        keys = search.extract(stored(raw, type))
        self.t += 1
        t, rows, code, rids = self.t, self.rows, self.codes.__getitem__, self.rids
        patients = [rids[f"Patient/{p}"] for p in keys.patients]
        rows["body"].append((t, id, raw))
        rows["ver"].append((t, rids[f"{type}/{id}"], code(type), 1, ",".join(map(str, patients))))
        rows["hist"].append((rows["ver"][-1][1], t))
        rows["comp"] += [(patient, t) for patient in patients]
        tokens = [(sp, code(value), code(system), t) for sp, system, value in keys.token]
        rows["tok"] += tokens
        rows["dat"] += [(sp, low, high, t) for sp, low, high in keys.date]
        rows["str"] += [(sp, search.normal(text), t) for sp, text in keys.string]
        rows["qty"] += [(sp, value, code(c), code(s), t) for sp, s, c, value in keys.quantity]
        patient_sp, code_sps = paired(type)
        for sp, target, name in keys.reference:
            rid = rids[f"{target}/{name}"]
            rows["ref"].append((sp, rid, t))
            if sp == patient_sp:
                rows["pc"] += [(rid, s, c, y, t) for s, c, y, _ in tokens if s in code_sps]
        for sp, text in keys.text:
            rows["txt"] += [(sp, search.normal(text), c, s) for one, c, s, _ in tokens if one == sp]


class Floor(Rows):
    """One plain SQLite file, written in one transaction a group."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        folder.mkdir(parents=True, exist_ok=True)
        self.db = apsw.Connection(str(folder / "floor.db"))
        self.db.execute(";".join(f"PRAGMA {one}" for one in PRAGMAS))
        self.db.execute(SCHEMA + "CREATE TABLE body(t INTEGER PRIMARY KEY, id TEXT UNIQUE, raw BLOB);")
        self.wal = os.open(folder / "floor.db-wal", os.O_RDWR)

    def commit(self) -> None:
        with self.db:
            for name in TABLES:
                self.rows[name].sort()
                self.db.executemany(INSERTS[name], self.rows[name])
            self.db.executemany("INSERT INTO res VALUES(?,?,?)", self.rids.fresh)
            self.rids.fresh.clear()
            self.db.executemany("INSERT INTO body VALUES(?,?,?)", self.rows["body"])
        for one in self.rows.values():
            one.clear()

    def read(self, id: str) -> bytes:
        return self.db.execute("SELECT raw FROM body WHERE id = ?", (id,)).get or b""

    def find(self, patient: str, code: str) -> Iterable[bytes]:
        rid, c, sp = self.rids[f"Patient/{patient}"], self.codes[code], search.parameters("Observation")["code"].sp
        found = self.db.execute("SELECT t FROM pc WHERE rid=? AND sp=? AND c=?", (rid, sp, c)).fetchall()
        for (t,) in sorted(found, reverse=True)[:20]:
            yield self.db.execute("SELECT raw FROM body WHERE t = ?", (t,)).get


class Application:
    """The four requests that are measured; writes are answered after their group's fsync."""

    def __init__(self, floor: Any) -> None:
        self.floor = floor
        self.waiters: list[asyncio.Future[None]] = []
        self.running = False

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        _, _, type, *rest = f"{scope.path}/".split("/")
        headers = [("content-type", "application/fhir+json")]
        if not type:
            made = self.bundle(await protocol())
            await self.durable()
            protocol.response_bytes(200, headers, made)
        elif scope.method == "POST":
            raw = await protocol()
            self.floor.add(type, str(uuid.uuid4()), raw)
            await self.durable()
            protocol.response_bytes(201, headers, raw)
        elif rest[0]:
            protocol.response_bytes(200, headers, await self.found(rest[0]))
        else:
            asked = dict(pair.split("=") for pair in scope.query_string.split("&"))
            found = await self.page(asked["patient"], asked["code"].rpartition("%7C")[2])
            entries = b",".join(b'{"resource":' + raw + b"}" for raw in found)
            bundle = b'{"resourceType":"Bundle","type":"searchset","entry":[' + entries + b"]}"
            protocol.response_bytes(200, headers, bundle)

    def bundle(self, raw: bytes) -> bytes:
        """Take a transaction of creates in: new ids, and references within it resolved."""
        _, entries = verbatim.entries(raw)
        named = [(entry.url, str(uuid.uuid4()), entry) for entry in entries]
        links = {entry.full_url: f"{type}/{id}" for type, id, entry in named}
        for type, id, entry in named:
            self.floor.add(type, id, verbatim.relink(bytes(entry.resource or b""), links))
        told = (f'{{"response":{{"status":"201","location":"{type}/{id}/_history/1"}}}}' for type, id, _ in named)
        return b'{"resourceType":"Bundle","type":"transaction-response","entry":[%b]}' % ",".join(told).encode()

    async def found(self, id: str) -> bytes:
        return self.floor.read(id)

    async def page(self, patient: str, code: str) -> Iterable[bytes]:
        return self.floor.find(patient, code)

    async def flush(self) -> None:
        self.floor.commit()
        await asyncio.get_running_loop().run_in_executor(None, os.fdatasync, self.floor.wal)

    async def durable(self) -> None:
        future = asyncio.get_running_loop().create_future()
        self.waiters.append(future)
        if not self.running:
            self.running = True
            asyncio.create_task(self.pump())  # noqa: RUF006  what it awaits holds it
        await future

    async def pump(self) -> None:
        while self.waiters:
            waiters, self.waiters = self.waiters, []
            await self.flush()
            [waiter.set_result(None) for waiter in waiters]
        self.running = False


if __name__ == "__main__":
    application = Application(Floor(Path(sys.argv[1])))
    for line in Path(sys.argv[3]).read_bytes().splitlines():
        kind, name, text = msgspec.json.decode(line, type=tuple[str, str, str])
        application.floor.add(kind, name, text.encode())
    application.floor.commit()
    server = Server(application, port=int(sys.argv[2]), interface=Interfaces.RSGI, log_enabled=False, websockets=False)
    uvloop.run(server.serve())
