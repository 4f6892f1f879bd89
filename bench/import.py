"""`$import` over HTTP of NDJSON that another server gives, until the manifest is there, beside bare msgspec and SQLite."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec

from _bulk import Client
from _corpus import Corpus, corpus
from _floor import Floor
from _http import RUNS, running
from _store import emptied, store
from onmaru.app.bench import Result, result
from onmaru.app.house import MAIN, House, Place
from onmaru.kernel.accounts import User


def run(quick: bool) -> Result:
    """Each run is into an empty store, ours and the floor turn about; the median counts. Latency is that of a run."""
    made = corpus(full=False, limit=12 if quick else 10_000)
    files: dict[str, list[bytes]] = defaultdict(list)
    for type, id, raw in made.resources:
        files[type].append(_named(raw, id))
    ours, floors = [], []
    with _given({type: b"\n".join(lines) for type, lines in files.items()}) as port:
        for _ in range(1 if quick else RUNS):
            ours.append(_ours(port, list(files), len(made.resources)))
            floors.append(_floor(made))
    seconds = [len(made.resources) / rate for rate in ours]
    return result("import", seconds, sorted(ours)[len(ours) // 2], sorted(floors)[len(floors) // 2])


def _named(raw: bytes, id: str) -> bytes:
    tree = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({**tree, "id": id})


@contextmanager
def _given(files: dict[str, bytes]) -> Iterator[int]:
    """A server that gives each file at its name."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = files[self.path.strip("/")]
            self.send_response(200)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            """Nothing to tell."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def _ours(port: int, types: list[str], count: int) -> float:
    with tempfile.TemporaryDirectory(prefix="onmaru-bench-") as scratch:
        folder = Path(scratch)
        emptied()
        place = Place(folder / "home", folder / "keys", folder / "witness", store())
        house = House(place)
        house.seat(MAIN)
        user = User(MAIN, "importer", "Importer", ("data-manager",))
        house.logins.keep_user(user)
        token = house.logins.issue(user, "")[0]
        house.close()
        (place.home / "onmaru.toml").write_text('[outbound.main]\nhosts = ["127.0.0.1"]\n')
        environ = {
            "ONMARU_HOME": str(place.home),
            "ONMARU_KEYS": str(place.keys),
            "ONMARU_WITNESS": str(place.witness),
            "ONMARU_STORE": place.store,
            "ONMARU_MLLP_PORT": "0",
            "ONMARU_OUTBOUND_LOCAL": f"127.0.0.1:{port}",
        }
        inputs = [{"type": type, "url": f"http://127.0.0.1:{port}/{type}"} for type in types]
        manifest = {"inputFormat": "application/fhir+ndjson", "inputSource": "http://127.0.0.1", "input": inputs}
        with running([sys.executable, "-m", "onmaru.app", "serve", "--port"], environ) as address:
            started = time.perf_counter()
            told = Client(address, token).done("POST", "$import", msgspec.json.encode(manifest))
            seconds = time.perf_counter() - started
        taken = sum(one["count"] for one in told["output"])
        assert taken == count and not told["error"], (taken, count, told["error"])
        return taken / seconds


def _floor(made: Corpus) -> float:
    if store():
        from _floor_postgres import bulk

        return bulk(store(), (made.resources[at : at + 250] for at in range(0, len(made.resources), 250)))
    with tempfile.TemporaryDirectory(prefix="onmaru-floor-") as scratch:
        floor, started = Floor(Path(scratch)), time.perf_counter()
        for number, (type, id, raw) in enumerate(made.resources, 1):
            floor.add(type, id, raw)
            if number % 250 == 0:
                floor.commit()
        floor.commit()
        return len(made.resources) / (time.perf_counter() - started)
