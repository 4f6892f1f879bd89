"""Whoever read a command's output has left: a command ends without a trace, a server stays up, and both obey a signal."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.served import SRC, Served, free_port

from offspring import Onmaru
from onmaru.app import refusal
from onmaru.app.demo.sending import Http
from onmaru.app.house import House, place

ONMARU = (sys.executable, "-m", "onmaru.app")
ENVIRON = {**os.environ, "PYTHONPATH": str(SRC)}


def demo(tmp_path: Path, port: int, past: str) -> subprocess.Popen[str]:
    args = ["demo", "--home", str(tmp_path / "home"), "--past", past, "--port", str(port)]
    with (tmp_path / "log").open("w") as log:
        return Onmaru(
            [*args, "--mllp-port", str(free_port())], env=ENVIRON, stdout=subprocess.PIPE, stderr=log, text=True
        )


def read_until(running: subprocess.Popen[str], text: str) -> None:
    assert running.stdout is not None
    assert any(text in line for line in running.stdout)


def transaction(entries: int) -> bytes:
    observation = {"resourceType": "Observation", "status": "final", "code": {"text": "asked of nobody"}}
    entry = {"request": {"method": "POST", "url": "Observation"}, "resource": observation}
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": [entry] * entries}).encode()


def status(request: urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def answers(port: int) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/fhir/metadata", timeout=20) as answer:
        return bool(answer.status == 200)


def listens(port: int) -> bool:
    for _ in range(400):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


def test_a_demo_whose_output_is_gone_plays_on_and_ends_when_told(tmp_path: Path) -> None:
    port = free_port()
    running = demo(tmp_path, port, "0.1")
    read_until(running, "Sending the past")
    assert running.stdout is not None
    running.stdout.close()
    # Past the next line it has to say, "Live now", which nobody can hear
    story = tmp_path / "home" / "simulated.json"
    deadline = time.monotonic() + 60
    while not story.is_file() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(2)
    assert running.poll() is None and answers(port)
    running.send_signal(signal.SIGTERM)
    assert running.wait(30) in (refusal.DONE, refusal.UNHEARD)
    assert (tmp_path / "log").read_text() == ""


def test_a_demo_that_could_not_tell_its_accounts_ends(tmp_path: Path) -> None:
    running = demo(tmp_path, free_port(), "0.1")
    assert running.stdout is not None
    running.stdout.close()
    assert running.wait(60) == refusal.UNHEARD
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_busy_demo_ends_when_told(tmp_path: Path) -> None:
    running = demo(tmp_path, free_port(), "5")
    read_until(running, "Sending the past")
    time.sleep(1)
    running.send_signal(signal.SIGTERM)
    assert running.wait(30) == refusal.DONE
    assert running.stdout is not None
    running.stdout.close()
    assert (tmp_path / "log").read_text() == ""


@pytest.mark.parametrize("closed", ["1>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-"])
def test_a_server_without_its_standard_streams_ends_when_told(tmp_path: Path, closed: str) -> None:
    served = Served(tmp_path)
    line = " ".join([*ONMARU, "serve"])
    running = subprocess.Popen(["/bin/sh", "-c", f"exec {line} {closed}"], env=served.environ)
    for port in (served.port, served.mllp_port):
        assert listens(port)
    time.sleep(0.5)
    running.send_signal(signal.SIGTERM)
    assert running.wait(30) == 0
    with served:
        assert House(place(served.environ), rooms=()).exists("main")


@pytest.mark.parametrize("arguments", ["settings", "--help", "rooms", "demo --help", "verify --nonsense"])
def test_a_command_whose_reader_left_ends_without_a_trace(tmp_path: Path, arguments: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    argv = [*ONMARU, *arguments.split()]
    environ = {**ENVIRON, "ONMARU_HOME": str(tmp_path / "home"), "ONMARU_KEYS": str(tmp_path / "keys")}
    environ["ONMARU_WITNESS"] = str(tmp_path / "witness")
    heard = arguments == "verify --nonsense"
    done = subprocess.run(argv, env=environ, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == (refusal.USAGE if heard else refusal.UNHEARD)
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
    assert bool(done.stderr) == heard
    with Onmaru(arguments.split(), env=environ, stdout=writing, stderr=writing) as deaf:
        assert deaf.wait(60) == refusal.UNHEARD
    os.close(writing)


def test_a_request_that_is_cancelled_as_its_answer_comes_stays_cancelled() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        writer.close()

    async def scenario() -> list[bool]:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        kept = []
        for ticks in range(60):
            http = Http(port, "")
            asking = asyncio.create_task(http.ask("GET", "/"))
            for _ in range(ticks):
                await asyncio.sleep(0)
            if asking.cancel():
                await asyncio.wait([asking])
                kept.append(asking.cancelled())
            http.close()
        server.close()
        return kept

    kept = asyncio.run(scenario())
    assert kept and all(kept)


def test_what_was_begun_ends_before_the_house_closes_and_a_stream_does_not_hold_it(tmp_path: Path) -> None:
    with Served(tmp_path) as served:
        head = {"authorization": f"Bearer {served.token}"}
        base = f"http://127.0.0.1:{served.port}"
        stream = urllib.request.urlopen(urllib.request.Request(f"{base}/api/events", headers=head), timeout=20)
        bundle = transaction(1000)
        post = urllib.request.Request(
            f"{base}/fhir", bundle, {**head, "content-type": "application/fhir+json"}, method="POST"
        )
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(status, post) for _ in range(4)]
            time.sleep(0.3)
            assert served.stop() == refusal.DONE
            # 503: it came after the word to stop, and nothing of it was begun
            assert {one.result() for one in asked} <= {200, 503}
        stream.close()
        assert "ERROR" not in served.log.read_text() and "cut off" not in served.log.read_text()
