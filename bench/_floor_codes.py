"""The floor of `validate-code`: a bare server that parses the query and looks a code up in a set in memory.

`python bench/_floor_codes.py PORT FILE` where FILE holds `value set, system, code` a line, parted by spaces.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server

HEADERS = [("content-type", "application/fhir+json")]


def main() -> None:
    port, file = int(sys.argv[1]), Path(sys.argv[2])
    known = {tuple(line.split(" ")) for line in file.read_text("utf-8").splitlines()}

    async def app(scope: Any, protocol: Any) -> None:
        asked = parse_qs(scope.query_string)
        found = tuple(asked.get(name, [""])[0] for name in ("url", "system", "code")) in known
        answer = {"resourceType": "Parameters", "parameter": [{"name": "result", "valueBoolean": found}]}
        protocol.response_bytes(200, HEADERS, msgspec.json.encode(answer))

    uvloop.run(Server(app, address="127.0.0.1", port=port, interface=Interfaces.RSGI).serve())


if __name__ == "__main__":
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    main()
