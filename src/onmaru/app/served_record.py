"""The part of a running server's record that packages need, over its own FHIR address."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from onmaru.app.asking import Server
from onmaru.fhir.query import Query
from onmaru.kernel.log import Version
from onmaru.kernel.record import Change, Page, Written


class _Entry(msgspec.Struct):
    resource: msgspec.Raw


class _Bundle(msgspec.Struct):
    entry: list[_Entry] = []
    link: list[dict[str, str]] = []


class ServedRecord:
    """`search` by type alone, and `write` as one transaction; the server's own limits of size hold."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def search(self, query: Query) -> Page:
        found: list[Version] = []
        for type_name in query.types:
            path = f"/fhir/{type_name}?_count=500"
            while path:
                page = msgspec.json.decode(self._server.ask("GET", path), type=_Bundle)
                found += [_version(type_name, bytes(one.resource)) for one in page.entry]
                following = next((one["url"] for one in page.link if one["relation"] == "next"), "")
                path = f"/fhir/{following.partition('/fhir/')[2]}" if following else ""
        return Page(0, found, (), None, "")

    def write(self, changes: Sequence[Change]) -> Sequence[Written]:
        entries = [_entry(change) for change in changes]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        self._server.ask("POST", "/fhir", json.dumps(bundle).encode())
        return ()


def _version(type_name: str, body: bytes) -> Version:
    told = msgspec.json.decode(body)
    return Version(0, type_name, told["id"], int(told["meta"]["versionId"]), "update", 0, body)


def _entry(change: Change) -> dict[str, Any]:
    url = f"{change.type}/{change.id}"
    if change.op == "delete":
        return {"request": {"method": "DELETE", "url": url}}
    return {"resource": json.loads(change.body), "request": {"method": "PUT", "url": url}}
