"""The floor on PostgreSQL: asyncpg and the same index rows, flushed by each commit, without policy, audit or encryption.

`python bench/_floor_postgres.py ADDRESS PORT NDJSON` loads into the schema `floor` and serves what `_floor.py` serves.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server

from _floor import TABLES, Application, Rows
from onmaru.engines.postgres.link import columns
from onmaru.engines.postgres.schema import COLUMNS, TYPES
from onmaru.fhir import search

ROWS = 20_000
HELD = 10
# The same rows, one each; what is found by words is found by their beginnings
TYPED = {**TYPES, "hist": ("int4", "int4"), "body": ("int4", "text", "bytea")}
NAMED = {**COLUMNS, "res": ("rid", "type", "id"), "body": ("t", "id", "raw")}
FOUND = {"body": "t), UNIQUE(id", "res": "rid), UNIQUE(id", "ver": "t", "str": "", "txt": "sp, c, s, norm"}
PAGE = (
    "SELECT b.raw FROM pc JOIN body b USING (t) WHERE pc.rid = $1 AND pc.sp = $2 AND pc.c = $3 ORDER BY t DESC LIMIT 20"
)


class Floor(Rows):
    """Plain tables in one schema, a group in one statement and one commit."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__()
        self.pool = pool

    async def commit(self) -> None:
        some = {name: self.rows[name] for name in TABLES if self.rows[name]}
        some["res"] = [(rid, 0, f"{type}/{id}") for rid, type, id in self.rids.fresh]
        some["body"] = self.rows["body"]
        some = {name: list(dict.fromkeys(found)) for name, found in some.items() if found}
        self.rids.fresh.clear()
        self.codes.fresh.clear()
        for one in self.rows.values():
            one.clear()
        if some:
            arrays = [array for found in some.values() for array in columns(found)]
            await self.pool.fetch(unnested(list(some)), *arrays)

    async def read(self, id: str) -> bytes:
        return await self.pool.fetchval("SELECT raw FROM body WHERE id = $1", id) or b""

    async def find(self, patient: str, code: str) -> list[bytes]:
        rid, c, sp = self.rids[f"Patient/{patient}"], self.codes[code], search.parameters("Observation")["code"].sp
        return [raw for (raw,) in await self.pool.fetch(PAGE, rid, sp, c)]


class Bare(Application):
    """The same three requests; a read waits for the database while others are answered."""

    async def found(self, id: str) -> bytes:
        return await self.floor.read(id)

    async def page(self, patient: str, code: str) -> list[bytes]:
        return await self.floor.find(patient, code)

    async def flush(self) -> None:
        await self.floor.commit()


@asynccontextmanager
async def opened(address: str) -> AsyncIterator[Floor]:
    """An empty floor in the database."""
    async with asyncpg.create_pool(
        address, min_size=HELD, max_size=HELD, server_settings={"search_path": "floor"}
    ) as pool:
        await pool.execute("DROP SCHEMA IF EXISTS floor CASCADE; CREATE SCHEMA floor")
        await pool.execute(";".join(map(made, (*TABLES, "res", "body"))))
        await pool.execute("CREATE INDEX str_of ON str(sp, left(norm, 100), t)")
        yield Floor(pool)


def made(table: str) -> str:
    """The statement that makes one."""
    names = NAMED[table]
    key = FOUND.get(table, ", ".join(names))
    lying = ", ".join(f"{name} {type}" for name, type in zip(names, TYPED[table], strict=True))
    return f"CREATE TABLE {table}({lying}{f', PRIMARY KEY({key})' if key else ''})"


def unnested(tables: Sequence[str]) -> str:
    """One statement that inserts rows into several tables, each given as one array a column."""
    parts, count = [], 0
    for number, table in enumerate(tables):
        arrays = ", ".join(f"${count + n}::{type}[]" for n, type in enumerate(TYPED[table], start=1))
        count += len(TYPED[table])
        kept = " ON CONFLICT DO NOTHING" if table == "txt" else ""
        parts.append(f"p{number} AS (INSERT INTO {table} SELECT * FROM unnest({arrays}){kept})")
    return f"WITH {', '.join(parts)} SELECT 1"


def bulk(address: str, groups: Iterable[Iterable[tuple[str, str, bytes]]]) -> float:
    """Resources a second that groups of (type, id, body) go in with, a commit each."""

    async def put() -> float:
        async with opened(address) as floor:
            started = time.perf_counter()
            for group in groups:
                for one in group:
                    floor.add(*one)
                await floor.commit()
            return floor.t / (time.perf_counter() - started)

    return asyncio.run(put())


async def serve(address: str, port: int, file: Path) -> None:
    async with opened(address) as floor:
        for line in file.read_bytes().splitlines():
            kind, name, text = msgspec.json.decode(line, type=tuple[str, str, str])
            floor.add(kind, name, text.encode())
            if len(floor.rows["tok"]) > ROWS:
                await floor.commit()
        await floor.commit()
        await floor.pool.execute("VACUUM ANALYZE")
        options: Any = {"port": port, "interface": Interfaces.RSGI, "log_enabled": False, "websockets": False}
        await Server(Bare(floor), **options).serve()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
