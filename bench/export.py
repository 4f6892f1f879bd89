"""`$export` over HTTP, consent on, from the first request to the last byte, beside bare SQLite and zstd on the bodies."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import apsw
import zstandard

from _bulk import Client
from _corpus import corpus
from _http import RUNS, Bench
from onmaru.app.bench import Result, result
from onmaru.app.house import MAIN, House, system
from onmaru.kernel.accounts import User
from onmaru.kernel.record import Change

PIECE = 1 << 20
# One patient refuses, so that every page is judged
DENIAL = (
    b'{"resourceType":"Consent","status":"active","scope":{"text":"x"},"category":[{"text":"x"}],"policyRule":{"text":"x"},'
    b'"patient":{"reference":"Patient/%s"},"provision":{"type":"deny"}}'
)


def run(quick: bool) -> Result:
    """Median of three, ours and the floor turn about. Latency is that of a file."""
    with tempfile.TemporaryDirectory(prefix="onmaru-bench-") as scratch:
        bench = Bench(Path(scratch), corpus(full=False, limit=12 if quick else 10_000), quick)
        token = _prepared(bench)
        _bare(bench)
        ours, floors = [], []
        with bench.ours() as address:
            for _ in range(1 if quick else RUNS):
                ours.append(_ours(address, token))
                floors.append(_floor(bench))
    seconds, rate = sorted(ours, key=lambda one: one[1])[len(ours) // 2]
    return result("export", seconds, rate, sorted(floors)[len(floors) // 2])


def _prepared(bench: Bench) -> str:
    house = House(bench.place)
    user = User(MAIN, "exporter", "Exporter", ("data-manager",))
    house.logins.keep_user(user)
    refused = next(id for type, id, _ in bench.corpus.resources if type == "Patient")
    record = house.hall(system(MAIN)).record
    record.write([Change("create", "Consent", body=DENIAL % refused.encode())])
    secret = house.logins.issue(user, "")[0]
    house.close()
    return secret


def _ours(address: str, token: str) -> tuple[list[float], float]:
    client, buffer = Client(address, token), bytearray(PIECE)
    each, lines, started = [], 0, time.perf_counter()
    for file in client.done("GET", "$export")["output"]:
        began = time.perf_counter()
        answer = client.ask("GET", file["url"])
        while size := answer.readinto(buffer):
            lines += buffer.count(b"\n", 0, size)
        each.append(time.perf_counter() - began)
    return each, lines / (time.perf_counter() - started)


def _bare(bench: Bench) -> None:
    pack = zstandard.ZstdCompressor(level=1).compress
    db = apsw.Connection(str(bench.scratch / "bare.db"))
    db.execute("CREATE TABLE body(t INTEGER PRIMARY KEY, type TEXT, z BLOB)")
    rows = [(n, type, pack(raw)) for n, (type, _, raw) in enumerate(bench.corpus.resources)]
    with db:
        db.executemany("INSERT INTO body VALUES(?,?,?)", rows)
    db.close()


def _floor(bench: Bench) -> float:
    """The same resources by type, read, unpacked and joined into lines."""
    unpack = zstandard.ZstdDecompressor().decompress
    db = apsw.Connection(str(bench.scratch / "bare.db"))
    started, lines = time.perf_counter(), 0
    for type in {type for type, _, _ in bench.corpus.resources}:
        found = b"\n".join([unpack(z) for (z,) in db.execute("SELECT z FROM body WHERE type = ?", (type,))])
        lines += found.count(b"\n") + 1
    db.close()
    return lines / (time.perf_counter() - started)
