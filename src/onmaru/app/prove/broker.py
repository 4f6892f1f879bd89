"""Brokers of proofs and tests: a real program on a port of loopback, its data in a folder, ended with the context."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from onmaru.app.prove.ground import until_answered

Process = subprocess.Popen[bytes]


def program(name: str) -> str:
    """Where a program of Debian's is, "" where it is not installed."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin") or ""


def needed(name: str) -> str:
    """The same, refused where there is none."""
    found = program(name)
    assert found, f"install {name} first: apt-get install {name}"
    return found


@contextmanager
def mosquitto(folder: Path, port: int) -> Iterator[Process]:
    """Mosquitto as docs/operate/mosquitto.conf has it, its sessions kept in `folder`."""
    folder.mkdir(exist_ok=True)
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {folder}/\n"
        f"max_inflight_messages 2000\nmax_queued_messages 600000\n{'user root' if not os.getuid() else ''}\n"
    )
    with ended([needed("mosquitto"), "-c", str(config)], port) as process:
        yield process


@contextmanager
def jetstream(folder: Path, port: int) -> Iterator[Process]:
    """NATS with JetStream as docs/operate/nats.conf has it, its store in `folder`."""
    argv = [
        needed("nats-server"),
        "--jetstream",
        "--store_dir",
        str(folder),
        "--addr",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    with ended(argv, port) as process:
        yield process


@contextmanager
def ended(argv: Sequence[str], port: int, environ: Mapping[str, str] | None = None) -> Iterator[Process]:
    """A program that listens on a port, ended with the context."""
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(argv, env=None if environ is None else {**environ}, stdout=quiet, stderr=quiet)  # noqa: S603 - programs of ours
    try:
        until_answered(port)
        yield process
    finally:
        process.terminate()
        process.wait()
