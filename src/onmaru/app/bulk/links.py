"""The urls of a job's files: signed for one file and one time, so that none can be guessed, altered or used later."""

from __future__ import annotations

import hmac
import re
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs

import msgspec

from onmaru.app.bulk.board import File, Outcome
from onmaru.fhir.outcome import invalid
from onmaru.fhir.verbatim import instant
from onmaru.kernel.background import Ticket

PATH = "$job"
_NAME = re.compile(r"[A-Za-z]+\.(\d{1,6})\.ndjson")


class Links:
    """Signs and reads the urls of one tenant's files; `key`: 32 bytes."""

    def __init__(self, tenant: str, key: bytes) -> None:
        self._tenant = tenant
        self._key = key

    def manifest(self, id: str, ticket: Ticket, outcome: Outcome) -> bytes:
        """What a finished job answers (FHIR Bulk Data Access 2, Response - Complete Status)."""
        told: dict[str, Any] = {
            "transactionTime": instant(outcome.time),
            "request": ticket.url,
            "requiresAccessToken": True,
            "output": [],
            "deleted": [],
            "error": [],
        }
        for number, file in enumerate(outcome.files):
            entry: dict[str, Any] = {"type": file.type}
            if file.source:
                entry["inputUrl"] = file.source
            if file.blob or outcome.list:
                entry["url"] = self._url(ticket.base, id, (number, file), outcome.expires)
            told[file.of].append({**entry, "count": file.count})
        return msgspec.json.encode(told)

    def number(self, id: str, name: str, query: str, now: int) -> int:
        """Which file a url asks for; `Invalid` 404 where it is not one of ours or its time is over."""
        shaped = _NAME.fullmatch(name)
        given = {key: values[0] for key, values in parse_qs(query).items()}
        expires = given.get("expires", "")
        sound = shaped is not None and expires.isdecimal() and len(expires) < 19 and now < int(expires)
        signature = self._signature(id, name, expires)
        if (
            not sound
            or shaped is None
            or not hmac.compare_digest(signature.encode(), given.get("signature", "").encode())
        ):
            raise invalid("not-found", "no such file, or its time is over", status=404)
        return int(shaped[1])

    def _url(self, base: str, id: str, which: tuple[int, File], expires: int) -> str:
        number, file = which
        name = f"{file.type}.{number}.ndjson"
        signature = self._signature(id, name, str(expires))
        return f"{base}/{PATH}/{id}/{name}?expires={expires}&signature={signature}"

    def _signature(self, id: str, name: str, expires: str) -> str:
        told = "\0".join((self._tenant, id, name, expires)).encode("utf-8", "surrogatepass")
        return hmac.new(self._key, told, sha256).hexdigest()
