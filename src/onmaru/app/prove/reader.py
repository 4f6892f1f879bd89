"""A reader in a process of its own: one connection, one small read every 5 ms; afterwards it tells how long each waited.

Times are of CLOCK_MONOTONIC, which processes of one machine share, so that the parent can say what was going on meanwhile.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time

EVERY = 0.005


def run(port: int, path: str, token: str) -> list[tuple[float, float]]:
    """Read until standard input ends; (when sent, seconds until answered) of every read."""
    ended = threading.Event()
    threading.Thread(target=_until_told, args=[ended], daemon=True).start()
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    waits: list[tuple[float, float]] = []
    headers = {"authorization": f"Bearer {token}"}
    while not ended.is_set():
        sent = time.monotonic()
        line.request("GET", path, headers=headers)
        answer = line.getresponse()
        answer.read()
        waits.append((sent, time.monotonic() - sent))
        if answer.status != 200:
            raise SystemExit(f"a read was answered {answer.status}")
        time.sleep(max(0.0, sent + EVERY - time.monotonic()))
    line.close()
    return waits


def _until_told(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


if __name__ == "__main__":
    token = sys.stdin.readline().strip()
    sys.stdout.write(json.dumps(run(int(sys.argv[1]), sys.argv[2], token)))
