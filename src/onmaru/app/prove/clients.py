"""Clients of a served house that is going to be killed: over HTTP and MLLP, and a ledger of everything it acknowledged.

A line of the ledger is written only after the whole answer has come.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Any

import msgspec

TIMEOUT = 30.0
TAG = "urn:onmaru:proof:transaction"
LARGEST = 30
Json = dict[str, Any]


class Ledger(msgspec.Struct):
    """What was acknowledged of one store.

    written: body by `Type/id/version`, b"" where the answer brought none. sent: entries of each transaction that was
    sent, answered or not; committed: those answered. messages: digests of the messages answered AA. reads: answered
    reads and searches.
    """

    written: dict[str, bytes] = {}
    sent: dict[str, int] = {}
    committed: set[str] = set()
    messages: set[str] = set()
    reads: int = 0
    known: list[str] = []


class Clients:
    """Some clients in threads of their own, each until the house no longer answers it. `answered`: one of them was.

    `ports`: of HTTP and of MLLP (0: no messages). `pause`: seconds between two requests of one client.
    """

    def __init__(self, ports: tuple[int, int], token: str, seed: str, ledger: Ledger, pause: float = 0.0) -> None:
        self._port, self._mllp_port = ports
        self._pause = pause
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"}
        self._seed = seed
        self._ledger = ledger
        self.answered = threading.Event()
        self.unexpected: list[str] = []
        senders = 2 if self._mllp_port else 0
        works = [*(self._writer for _ in range(2)), self._reader, *(self._sender for _ in range(senders))]
        self._threads = [threading.Thread(target=self._until_cut, args=(work, n)) for n, work in enumerate(works)]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Wait until every client has seen that the house is gone."""
        for thread in self._threads:
            thread.join(2 * TIMEOUT)
        assert not any(thread.is_alive() for thread in self._threads), "a client still waits for a house that is gone"
        assert not self.unexpected, f"a client was answered {self.unexpected[0]}"

    def _until_cut(self, work: Callable[[str, random.Random], None], number: int) -> None:
        name = f"{self._seed}-{number}"
        with contextlib.suppress(OSError, http.client.HTTPException):
            work(name, random.Random(name))  # noqa: S311 - a reproducible workload

    # -- HTTP ------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _asking(self) -> Iterator[Callable[[str, str, bytes], tuple[http.client.HTTPResponse, bytes]]]:
        line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT)

        def ask(method: str, path: str, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
            line.request(method, path, body or None, self._headers)
            answer = line.getresponse()
            told = answer.read()
            self.answered.set()
            time.sleep(self._pause)
            return answer, told

        try:
            yield ask
        finally:
            line.close()

    def _writer(self, name: str, chance: random.Random) -> None:
        with self._asking() as ask:
            for number in itertools.count():
                kind = chance.random()
                if kind < 0.3:
                    self._transaction(ask, f"{name}-{number}", chance.randrange(2, LARGEST))
                elif kind < 0.5 and self._ledger.known:
                    id = chance.choice(self._ledger.known[-50:])
                    self._one(ask, "PUT", f"/fhir/{id}", {**_patient(f"{name}-{number}"), "id": id.split("/")[1]})
                else:
                    self._one(ask, "POST", "/fhir/Patient", _patient(f"{name}-{number}"))

    def _one(self, ask: Callable[..., Any], method: str, path: str, resource: Json) -> None:
        answer, body = ask(method, path, json.dumps(resource).encode())
        if answer.status not in (200, 201):
            self.unexpected.append(f"{method} {answer.status}")
            return
        told = json.loads(body)
        name = f"Patient/{told['id']}"
        self._ledger.written[f"{name}/{told['meta']['versionId']}"] = body
        self._ledger.known.append(name)

    def _transaction(self, ask: Callable[..., Any], tag: str, size: int) -> None:
        self._ledger.sent[tag] = size
        answer, body = ask("POST", "/fhir", json.dumps(_bundle(tag, size)).encode())
        if answer.status != 200:
            self.unexpected.append(f"transaction {answer.status}")
            return
        for entry in json.loads(body)["entry"]:
            type, id, _, version = entry["response"]["location"].split("/")[-4:]
            self._ledger.written[f"{type}/{id}/{version}"] = b""
        self._ledger.committed.add(tag)

    def _reader(self, name: str, chance: random.Random) -> None:
        with self._asking() as ask:
            while True:
                known = self._ledger.known[-50:]
                path = chance.choice(known) if known and chance.random() < 0.7 else "Observation?status=final&_count=5"
                answer, _ = ask("GET", f"/fhir/{path}", b"")
                self._ledger.reads += 1
                if answer.status != 200:
                    self.unexpected.append(f"GET {answer.status}")

    # -- MLLP ------------------------------------------------------------------------------------------------------

    def _sender(self, name: str, chance: random.Random) -> None:
        with socket.create_connection(("127.0.0.1", self._mllp_port), TIMEOUT) as line:
            for number in itertools.count():
                message = _message(f"{name}-{number}", chance.randrange(40), chance.random() < 0.6)
                line.sendall(b"\x0b" + message + b"\x1c\r")
                acknowledgement = _frame(line)
                if not acknowledgement:
                    return
                if acknowledgement.split(b"\rMSA|")[1].startswith(b"AA|"):
                    self._ledger.messages.add(digest(message))
                else:
                    self.unexpected.append("a refusal of a message")


def digest(message: bytes) -> str:
    """What a message is known by, without the bytes of its frame."""
    return sha256(message.strip(b"\x0b\x1c\r\n")).hexdigest()


def _frame(line: socket.socket) -> bytes:
    """One frame of MLLP; b"" when the line was cut before its end."""
    kept = b""
    while not kept.endswith(b"\x1c\r"):
        part = line.recv(1 << 16)
        if not part:
            return b""
        kept += part
    return kept[1:-2]


def _patient(tag: str) -> Json:
    return {"resourceType": "Patient", "identifier": [{"system": "urn:onmaru:proof", "value": tag}], "active": True}


def _bundle(tag: str, size: int) -> Json:
    """A patient and observations of hers; each entry bears the transaction's tag."""
    meta = {"tag": [{"system": TAG, "code": tag}]}
    resources: Sequence[Json] = [
        {**_patient(tag), "meta": meta},
        *(
            {
                "resourceType": "Observation",
                "meta": meta,
                "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
                "subject": {"reference": "urn:uuid:00000000-0000-4000-8000-000000000001"},
                "valueQuantity": {"value": 60 + number, "unit": "/min"},
            }
            for number in range(size - 1)
        ),
    ]
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": f"urn:uuid:00000000-0000-4000-8000-{number:012}",
                "resource": resource,
                "request": {"method": "POST", "url": resource["resourceType"]},
            }
            for number, resource in enumerate(resources, start=1)
        ],
    }


def _message(control: str, patient: int, result: bool) -> bytes:
    """A result or an update of one of forty patients, from a hospital of the proof's own."""
    kind = "ORU^R01^ORU_R01" if result else "ADT^A08^ADT_A01"
    number = f"K{patient}"
    lines = [
        f"MSH|^~\\&|PROOF|KILLED|ONMARU|HOSP|20260301120000+0900||{kind}|{control}|P|2.5.1||||||UNICODE UTF-8",
        f"PID|1||{number}^^^KILLED^MR||시험^{number}||19800101|F",
    ]
    if result:
        lines += [
            f"OBR|1||{control}|718-7^Hb^LN|||20260301110000",
            "OBX|1|NM|718-7^Hb^LN||13.2|g/dL|||||F|||20260301110000",
        ]
    else:
        lines += ["PV1|1|O"]
    return "\r".join([*lines, ""]).encode()
