"""A real `onmaru serve` in a process of its own, spoken to over its HTTP and MLLP sockets."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from offspring import Onmaru, ran
from onmaru.app.house import House, place
from onmaru.kernel.accounts import User

SRC = Path(__file__).resolve().parents[1] / "src"


def free_port() -> int:
    """A port of loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """Start with `with`; `stop` ends it politely, `kill` does not."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        self.home = folder / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "onmaru.toml").write_text(settings, "utf-8")
        self.port, self.mllp_port = free_port(), free_port()
        self.environ = {
            **os.environ,
            "PYTHONPATH": str(SRC),
            "ONMARU_HOME": str(self.home),
            "ONMARU_KEYS": str(folder / "keys"),
            "ONMARU_WITNESS": str(folder / "witness"),
            "ONMARU_PORT": str(self.port),
            "ONMARU_MLLP_PORT": str(self.mllp_port),
        }
        self.log = folder / "serve.log"
        house = House(place(self.environ), rooms=())
        user = User("main", "keeper", "keeper", ("data-manager",))
        house.logins.keep_user(user)
        self.token, _ = house.logins.issue(user, "")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Served:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = Onmaru(["serve"], env=self.environ, stdout=log, stderr=log)
        for _ in range(600):
            assert self._process.poll() is None, self.log.read_text()
            try:
                for port in (self.port, self.mllp_port):
                    socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        return self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(how)
        status = self._process.wait(30)
        self._process = None
        return status

    def command(self, *args: str, input: str = "") -> tuple[int, list[dict[str, Any]]]:
        """Run `onmaru ARGS --json` against the same house: its status and the lines it printed."""
        done = ran([*args, "--json"], env=self.environ, input=input, text=True)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]

    def get(self, path: str) -> tuple[int, Any]:
        """GET over HTTP: status and JSON."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status), json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def ask(self, method: str, path: str, body: bytes, token: str) -> int:
        """A FHIR request: its status."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/fhir/{path}", body or None, method=method)
        request.add_header("Authorization", f"Bearer {token}")
        form = path.endswith("_search")
        request.add_header("Content-Type", "application/x-www-form-urlencoded" if form else "application/fhir+json")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def found(self, query: str) -> list[Any]:
        """The resources that a search finds."""
        status, bundle = self.get(f"/fhir/{query}")
        assert status == 200, bundle
        return [entry["resource"] for entry in bundle.get("entry", [])]

    def send(self, *messages: bytes) -> list[bytes]:
        """Send messages over one MLLP connection, one after the other; the answers, b"" where the line was cut."""
        answers = []
        with socket.create_connection(("127.0.0.1", self.mllp_port), 10) as line:
            for message in messages:
                line.sendall(b"\x0b" + message + b"\x1c\r")
                answers.append(_answer(line))
        return answers


def _answer(line: socket.socket) -> bytes:
    kept = b""
    while not kept.endswith(b"\x1c\r"):
        try:
            part = line.recv(1 << 16)
        except ConnectionResetError:
            part = b""
        if not part:
            return b""
        kept += part
    return kept[1:-2]


def code(answer: bytes) -> str:
    """MSA-1 of an acknowledgement."""
    return answer.split(b"\rMSA|")[1].split(b"|")[0].decode()


def admission(number: str = "7", control: str = "C1", facility: str = "HOSP") -> bytes:
    """An ADT^A01 of one patient into bed W5-501-1."""
    visit = f"PV1|1|I|W5^501^1^HOSP{'|' * 16}V{number}^^^HOSP^VN{'|' * 25}202603011100"
    head = f"MSH|^~\\&|EMR|{facility}|ONMARU|HOSP|20260301120000+0900||ADT^A01|{control}|P|2.5.1||||||UNICODE UTF-8"
    return "\r".join([head, f"PID|1||{number}^^^HOSP^MR||홍^길동||19800101|M", visit, ""]).encode()
