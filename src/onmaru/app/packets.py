"""Downtime packets: every few minutes a page for each ward, in a folder that is copied to machines on the wards.

Each page opens in any browser without the server, by the passphrase of the house, without which nothing there is read.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import pbkdf2_hmac, sha256
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple
from unicodedata import normalize
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec.structs import replace

from onmaru.app.house import MAIN, House
from onmaru.app.refusal import Refusal
from onmaru.app.settings import Chosen
from onmaru.engines.keyring import write_new
from onmaru.kernel.access import purposes_of, scopes_of
from onmaru.kernel.caller import Caller
from onmaru.kernel.room import Hall
from onmaru.rooms.journey.packet import STYLE, Ward, wards
from onmaru.rooms.journey.words import word

# PBKDF2-HMAC-SHA256, OWASP Password Storage Cheat Sheet
ROUNDS = 600_000
SHORTEST = 12
ROOM = "journey"
log = logging.getLogger("onmaru")
SCRIPT = files("onmaru.app").joinpath("packet.js").read_text("utf-8")


class Lock:
    """One run's key: from the passphrase and a fresh salt."""

    def __init__(self, passphrase: str, rounds: int = ROUNDS) -> None:
        self._salt, self._rounds = os.urandom(16), rounds
        self._box = AESGCM(pbkdf2_hmac("sha256", normalize("NFC", passphrase).encode(), self._salt, rounds))

    def sealed(self, text: str) -> str:
        """The JSON that the page's script opens."""
        nonce = os.urandom(12)
        data = self._box.encrypt(nonce, text.encode(), None)
        parts = {"salt": self._salt, "nonce": nonce, "data": data}
        told = ",".join(f'"{name}":"{base64.b64encode(value).decode()}"' for name, value in parts.items())
        return f'{{"rounds":{self._rounds},{told}}}'


def document(ward: Ward, lock: Lock, language: str) -> str:
    """A file that stands alone. Neither its name nor its clear part tells of a patient."""
    digest, looks = (base64.b64encode(sha256(text.encode()).digest()).decode() for text in (SCRIPT, STYLE))
    policy = f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'sha256-{looks}'; base-uri 'none'"
    asked, opens, wrong = (escape(word(language, f"packet.{key}")) for key in ("unlock", "open", "wrong"))
    return f"""<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width"><title>{escape(ward.title)}</title><style>{STYLE}</style></head>
<body><form id="f"><h1>{escape(ward.title)}</h1><p><label>{asked} <input id="p" type="password" autofocus
 autocomplete="off"></label> <button>{opens}</button></p><p id="w" class="alert" hidden>{wrong}</p></form>
<main id="m"></main>
<script type="application/json" id="d">{lock.sealed(ward.html)}</script><script>{SCRIPT}</script></body></html>
"""


class Page(NamedTuple):
    """A file's name, the ward's and what the file holds."""

    file: str
    ward: str
    text: str


class Wish(NamedTuple):
    """What the settings ask for."""

    folder: Path
    passphrase: str
    language: str


class Packets:
    """Writes the packets of one tenant into a folder. `durable`: see `Doors`."""

    def __init__(
        self, house: House, durable: Callable[[str, int], Awaitable[None]], wish: Wish, tenant: str = MAIN
    ) -> None:
        self._house, self._durable, self._tenant = house, durable, tenant
        self._folder, self._passphrase, self._language = wish

    def hall(self) -> Hall:
        """What a nurse may see: what is hidden from nurses is in no packet."""
        table = self._house.logins.table
        caller = Caller(
            self._tenant,
            "downtime-packet",
            frozenset({"nurse"}),
            purposes_of({"nurse"}, table)[0],
            scopes_of({"nurse"}, table),
        )
        return replace(self._house.hall(caller, ROOM), language="en" if self._language == "en" else "ko")

    def pages(self, lock: Lock) -> Iterator[Page | None]:
        """The pages, not written yet; None after each patient."""
        hall = self.hall()
        zone = ZoneInfo(str(hall.settings.get("zone", "Asia/Seoul")))
        for ward in wards(hall, datetime.now(UTC), zone):
            if ward is None:
                yield None
            else:
                name = f"ward-{sha256(ward.id.encode()).hexdigest()[:12]}.html"
                yield Page(name, ward.name, document(ward, lock, hall.language))

    async def write(self) -> int:
        """One run on the loop that keeps the record, between other answers; gives how many wards there were.

        Each page replaces the one before at once, when it is on the disk whose data were read for it.
        """
        lock = await asyncio.to_thread(Lock, self._passphrase)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        names: dict[str, str] = {}
        for page in self.pages(lock):
            await asyncio.sleep(0.01)
            if page is not None:
                await self._durable(self._tenant, -1)
                write_new(self._folder / page.file, page.text.encode())
                names[page.file] = page.ward
        write_new(self._folder / "index.html", _index(names, self._language).encode())
        for old in self._folder.glob("ward-*.html"):
            if old.name not in names:
                old.unlink()
        return len(names)


def _index(names: Mapping[str, str], language: str) -> str:
    title = escape(word(language, "packet.index"))
    ordered = sorted(names.items(), key=lambda one: one[1])
    rows = "".join(f'<li><a href="{file}">{escape(name)}</a></li>' for file, name in ordered)
    head = f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title></head>'
    return f"{head}<body><h1>{title}</h1><ul>{rows}</ul></body></html>\n"


def asked(found: Mapping[str, Chosen]) -> Wish | None:
    """The packets that the settings ask for, None where they ask for none. Refuses a passphrase that is missing or short."""
    folder = str(found["packet_folder"].value)
    if not folder:
        return None
    file = str(found["packet_passphrase"].value)
    if not file:
        raise Refusal("packet_folder needs packet_passphrase: packets are never written in clear")
    passphrase = Path(file).expanduser().read_text("utf-8").strip()
    if len(passphrase) < SHORTEST:
        raise Refusal(f"packet_passphrase: at least {SHORTEST} characters, in the file's only line")
    return Wish(Path(folder).expanduser(), passphrase, str(found["language"].value))


class Timer:
    """Writes packets now and every so many seconds; a run that fails is told of and tried again."""

    def __init__(self, packets: Packets, every: float) -> None:
        self._packets, self._every = packets, every
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            try:
                count = await self._packets.write()
                log.info("downtime packets were written for %d wards", count)
            except Exception as error:  # noqa: BLE001 - whatever hinders one run, the next has to be tried
                log.error("downtime packets were not written: %s", type(error).__name__)
            await asyncio.sleep(self._every)

    async def close(self) -> None:
        """Write no more."""
        self._task.cancel()
