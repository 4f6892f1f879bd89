"""What the server of a proof stands on: a port, an environment that names a house of its own, the wait until it answers."""

from __future__ import annotations

import contextlib
import os
import socket
import time

from onmaru.app.house import Place

PATIENCE = 180.0


def free_port() -> int:
    """A port of loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(place: Place, port: int, **more: str) -> dict[str, str]:
    """This process's own, but for where the house is: its record in `place`, HTTP on `port`, no MLLP."""
    return {
        **os.environ,
        "ONMARU_HOME": str(place.home),
        "ONMARU_KEYS": str(place.keys),
        "ONMARU_WITNESS": str(place.witness),
        "ONMARU_STORE": "",
        "ONMARU_PORT": str(port),
        "ONMARU_MLLP_PORT": "0",
        **more,
    }


def until_answered(port: int) -> None:
    """Return once a server takes connections there."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.05)
    raise AssertionError("the server did not come up")
