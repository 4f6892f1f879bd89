"""The floor of whole answers: one plain SQLite file that holds each of them ready by its address, and the same HTTP server.

`python bench/_pages.py FILE PORT` makes FILE on first use from FILE.ndjson, lines of [address, answer].
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import apsw
import msgspec
import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server


class Pages:
    """Answers with what the file holds."""

    def __init__(self, file: Path) -> None:
        fresh = not file.exists()
        self.db = apsw.Connection(str(file))
        if fresh:
            self.db.execute("CREATE TABLE page(address TEXT PRIMARY KEY, raw BLOB) WITHOUT ROWID")
            lines = Path(f"{file}.ndjson").read_bytes().splitlines()
            rows = [msgspec.json.decode(line, type=tuple[str, str]) for line in lines]
            self.db.executemany("INSERT INTO page VALUES(?,?)", [(address, text.encode()) for address, text in rows])

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        address = f"{scope.path}?{scope.query_string}" if scope.query_string else scope.path
        raw = self.db.execute("SELECT raw FROM page WHERE address = ?", (address,)).get
        protocol.response_bytes(200 if raw else 404, [("content-type", "application/json")], raw or b"")


if __name__ == "__main__":
    server = Server(
        Pages(Path(sys.argv[1])), port=int(sys.argv[2]), interface=Interfaces.RSGI, log_enabled=False, websockets=False
    )
    uvloop.run(server.serve())
