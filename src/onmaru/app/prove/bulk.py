"""Proof of bulk data: a public client's export, unmodified, then an import of what it fetched under kill -9.

The client is smart-fetch (PyPI), at ONMARU_SMART_FETCH or installed into an environment of its own.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from joserfc.jwk import ECKey

from onmaru.app.evidence import Figures, Proof
from onmaru.app.house import MAIN, House, Place, system
from onmaru.app.loading import loaded, ordered
from onmaru.app.prove.corpus import files
from onmaru.app.prove.ground import environment, free_port, until_answered
from onmaru.fhir.query import Query
from onmaru.kernel.accounts import User
from onmaru.kernel.gate import ALL

TYPES = ("Condition", "Encounter", "Observation", "Patient", "Procedure")
FILES = 30
KILLS = 3


class Ground:
    """A house in a folder and its server."""

    def __init__(self, folder: Path, settings: str = "", **environ: str) -> None:
        self.place = Place(folder / "home", folder / "keys", folder / "witness")
        self.place.home.mkdir(parents=True)
        (self.place.home / "onmaru.toml").write_text(settings)
        self.port = free_port()
        self.environ = environment(self.place, self.port, **environ)
        house = House(self.place, rooms=())
        user = User(MAIN, "mover", "mover", ("data-manager",))
        house.logins.keep_user(user)
        self.token, _ = house.logins.issue(user, "")
        house.close()

    @contextlib.contextmanager
    def serving(self) -> Iterator[subprocess.Popen[bytes]]:
        """The server until the block ends, if it has not been killed."""
        argv = [sys.executable, "-m", "onmaru.app", "serve"]
        silent = subprocess.DEVNULL
        process = subprocess.Popen(argv, env=self.environ, stdout=silent, stderr=silent)  # noqa: S603 - a program of ours
        try:
            until_answered(self.port)
            yield process
        finally:
            process.terminate()
            process.wait(120)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Mapping[str, str], bytes]:
        """One request to the server: status, headers, body."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {
            "authorization": f"Bearer {self.token}",
            "prefer": "respond-async",
            "content-type": "application/json",
        }
        line.request(method, path, None if body is None else json.dumps(body), headers)
        answer = line.getresponse()
        said = answer.read()
        line.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, said


def bulk() -> Figures:
    """Export by the public client and hold every line against the record; import the files while the server is killed."""
    with tempfile.TemporaryDirectory(prefix="onmaru-bulk-") as scratch:
        folder = Path(scratch)
        program = os.environ.get("ONMARU_SMART_FETCH") or _installed(folder)
        source = Ground(folder / "source")
        house = House(source.place, rooms=())
        for _ in loaded(house, MAIN, ordered(files())[:FILES]):
            pass
        stored = {type: _bodies(house, type) for type in TYPES}
        house.close()
        fetched, seconds = _fetched(source, program, folder)
        assert fetched == stored, "what the client fetched is not what is stored"
        told = _imported(folder)
    count = sum(map(len, stored.values()))
    return {"exported by smart-fetch": count, "every line as it is stored": True, "its seconds": seconds, **told}


def _installed(folder: Path) -> str:
    argv = [sys.executable, "-m", "venv", str(folder / "client")]
    subprocess.run(argv, check=True)  # noqa: S603 - a program of ours
    python = str(folder / "client" / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "smart-fetch"], check=True)  # noqa: S603 - the client
    return str(folder / "client" / "bin" / "smart-fetch")


def _bodies(house: House, type: str) -> Counter[bytes]:
    seat = house.seat(MAIN)
    positions = list(seat.tenant.index.standing(Query((type,)), seat.home.head(), ALL))
    bodies: list[bytes] = []
    while positions:
        done, some = seat.home.bodies(positions, 1 << 24)
        bodies += some
        positions = positions[done:]
    return Counter(bodies)


def _fetched(ground: Ground, program: str, folder: Path) -> tuple[dict[str, Counter[bytes]], float]:
    key = ECKey.generate_key("P-384", {"kid": "k", "alg": "ES384"}, private=True)
    for name, private in (("key.jwks", True), ("public.jwks", False)):
        told = {**key.as_dict(private=private), "key_ops": ["sign" if private else "verify"]}
        (folder / name).write_text(json.dumps({"keys": [told]}))
    argv = ["client", "add", "Nightly", "--proof", "private_key_jwt", "--keys", str(folder / "public.jwks"),
            "--backend", "exporter", "--scope", "system/*.rs", "--json"]  # fmt: skip
    made = subprocess.run(  # noqa: S603 - a program of ours
        [sys.executable, "-m", "onmaru.app", *argv], env=ground.environ, capture_output=True, check=True
    )
    id = json.loads(made.stdout.splitlines()[-1])["client_id"]
    out = folder / "fetched"
    with ground.serving():
        started = time.monotonic()
        environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        asked = [program, "bulk", "--type", ",".join(TYPES), "--no-default-filters", "--no-compression"]
        asked += ["--fhir-url", f"http://127.0.0.1:{ground.port}/fhir"]
        asked += ["--smart-client-id", id, "--smart-key", str(folder / "key.jwks"), str(out)]
        done = subprocess.run(asked, env=environ, capture_output=True, text=True, check=False)  # noqa: S603 - the client
        assert done.returncode == 0, f"smart-fetch ended with {done.returncode}: {' '.join(done.stdout.split())[-300:]}"
        seconds = round(time.monotonic() - started, 1)
    found = {type: Counter(b"".join(_lines(out, type)).splitlines()) for type in TYPES}
    return found, seconds


def _lines(out: Path, type: str) -> list[bytes]:
    return [file.read_bytes() for file in sorted(out.glob(f"{type}.*.ndjson"))]


def _imported(folder: Path) -> Figures:
    """The files that the client fetched into an empty house, whose server is killed again and again."""
    out = folder / "fetched"
    quiet = partial(_Quiet, directory=str(out))
    giving = ThreadingHTTPServer(("127.0.0.1", 0), quiet)
    threading.Thread(target=giving.serve_forever, daemon=True).start()
    here = f"127.0.0.1:{giving.server_port}"
    target = Ground(folder / "target", '[outbound.main]\nhosts = ["127.0.0.1"]\n', ONMARU_OUTBOUND_LOCAL=here)
    named = [(type, file.name) for type in TYPES for file in sorted(out.glob(f"{type}.*.ndjson"))]
    inputs = [{"type": type, "url": f"http://{here}/{name}"} for type, name in named]
    with target.serving() as process:
        status, headers, said = target.ask("POST", "/fhir/$import", {"inputSource": f"http://{here}", "input": inputs})
        assert status == 202, said
        at = urlsplit(headers["content-location"]).path
        time.sleep(1.0)
        os.kill(process.pid, signal.SIGKILL)
    for _ in range(KILLS - 1):
        with target.serving() as process:
            time.sleep(1.5)
            os.kill(process.pid, signal.SIGKILL)
    peak = 0
    with target.serving() as process:
        while (answer := target.ask("GET", at))[0] == 202:
            peak = max(peak, _resident(process.pid))
            time.sleep(0.2)
        assert answer[0] == 200, answer[2]
        manifest = json.loads(answer[2])
    giving.shutdown()
    giving.server_close()
    house = House(target.place, rooms=())
    lines = {type: sum(part.count(b"\n") for part in _lines(out, type)) for type in TYPES}
    taken = {type: _versions(house, type) for type in TYPES}
    house.close()
    assert taken == {type: (count, count) for type, count in lines.items()}, "not every line is in once"
    assert sum(one["count"] for one in manifest["output"]) == sum(lines.values()) and not manifest["error"]
    return {"imported, each once": sum(lines.values()), "kills": KILLS, "resident MiB at most": peak >> 20}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing to tell."""


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _versions(house: House, type: str) -> tuple[int, int]:
    """Resources of a type, and versions of them."""
    record, seat = house.hall(system(MAIN)).record, house.seat(MAIN)
    standing = seat.tenant.index.standing(Query((type,)), seat.home.head(), ALL)
    count, cursor = 0, 0
    while True:
        page = record.history(type, before=cursor, count=1000)
        count += len(page.matches)
        if not page.cursor:
            return len(standing), count
        cursor = page.matches[-1].t


PROOFS = (
    Proof(
        "3.bulk",
        "A public client exports all as it is stored; an import under kill -9 takes each once.",
        bulk,
    ),
)
