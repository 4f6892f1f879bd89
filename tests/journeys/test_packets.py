"""Downtime packets: who lies on a ward, on a page that opens without the server and only by the passphrase."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from hashlib import pbkdf2_hmac
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tests.journey_ward import everything

from onmaru.app import packets
from onmaru.app.house import House, Place, system
from onmaru.app.refusal import Refusal
from onmaru.app.settings import Chosen
from onmaru.kernel.record import Change

PHRASE = "비상시에만 쓰는 긴 암호"
HIDDEN: dict[str, Any] = {
    "resourceType": "Consent",
    "id": "c9",
    "status": "active",
    "scope": {"coding": [{"code": "patient-privacy"}]},
    "category": [{"text": "개인정보"}],
    "patient": {"reference": "Patient/p2"},
    "policyRule": {"text": "거부"},
    "provision": {"type": "deny"},
}


def opened(page: str) -> str:
    """What the page's script shows."""
    found = re.search(r'<script type="application/json" id="d">(.*?)</script>', page)
    assert found
    told = json.loads(found[1])
    key = pbkdf2_hmac("sha256", PHRASE.encode(), base64.b64decode(told["salt"]), told["rounds"])
    return AESGCM(key).decrypt(base64.b64decode(told["nonce"]), base64.b64decode(told["data"]), None).decode()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("packets")
    made = House(Place(folder / "home", folder / "keys", folder / "witness"))
    bodies = [*everything(), {**everything()[0], "id": "p9", "name": [{"text": "<script>alert(1)</script>"}]}]
    stay = next(one for one in everything() if one["id"] == "e1")
    bodies.append({**stay, "id": "e9", "subject": {"reference": "Patient/p9"}})
    changes = [Change("update", one["resourceType"], one["id"], json.dumps(one).encode(), make=True) for one in bodies]
    made.hall(system("main")).record.write(changes)
    home = made.seat("main").home
    home.wait(home.tip())
    made.catch_up("main")
    yield made
    made.close()


class Swift(packets.Lock):
    """The same with fewer rounds."""

    def __init__(self, passphrase: str) -> None:
        super().__init__(passphrase, 1000)


def written(house: House, folder: Path, language: str = "ko") -> dict[str, str]:
    kept: list[str] = []

    async def durable(tenant: str, t: int) -> None:
        kept.append(tenant)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packets, "Lock", Swift)
        wish = packets.Wish(folder, PHRASE, language)
        assert asyncio.run(packets.Packets(house, durable, wish).write()) == len(kept) == 1
    return {path.name: path.read_text("utf-8") for path in folder.iterdir()}


def test_a_packet_tells_what_a_ward_needs_and_the_folder_tells_nothing_without_the_passphrase(
    house: House, tmp_path: Path
) -> None:
    files = written(house, tmp_path / "out")
    assert len(files) == 2 and "index.html" in files
    page = next(text for name, text in files.items() if name != "index.html")
    shown = opened(page)
    for fact in (
        "김민수",
        "100001",
        "1958-03-02",
        "페니실린",
        "제2형 당뇨병",
        "메트포르민 500 mg",
        "38.9 °C",
        "높음",
        "7103호",
    ):
        assert fact in shown, fact
        assert all(fact not in text for text in files.values())
    assert "동명이인" in shown and "이서연" not in shown  # at home
    assert "<script>alert" not in shown and "&lt;script&gt;" in shown
    assert "71병동" in files["index.html"] and "http" not in files["index.html"]
    assert not re.search(r"(src|href)\s*=", page)
    assert (tmp_path / "out" / "index.html").stat().st_mode & 0o077 == 0
    assert any(row.user == "downtime-packet" for _, row in house.seat("main").home.trail.page(count=50))


def test_a_packet_speaks_english_too(house: House, tmp_path: Path) -> None:
    page = next(text for name, text in written(house, tmp_path, "en").items() if name != "index.html")
    assert "Allerg" in opened(page) and "Downtime summary" in page


def test_who_is_hidden_from_nurses_is_in_no_packet_and_an_empty_wards_page_goes(house: House, tmp_path: Path) -> None:
    (tmp_path / "ward-000000000000.html").write_text("of a ward that is empty now", "utf-8")
    record = house.hall(system("main")).record
    record.write([Change("update", "Consent", "c9", json.dumps(HIDDEN).encode(), make=True)])
    home = house.seat("main").home
    home.wait(home.tip())
    house.catch_up("main")
    files = written(house, tmp_path)
    assert "ward-000000000000.html" not in files
    shown = opened(next(text for name, text in files.items() if name != "index.html"))
    assert "100002" not in shown and "100001" in shown


def test_packets_are_never_written_in_clear(tmp_path: Path) -> None:
    short = tmp_path / "short"
    short.write_text("short", "utf-8")
    settings = {"packet_folder": str(tmp_path), "packet_passphrase": "", "language": "ko"}
    assert packets.asked({name: Chosen("", "default") for name in settings}) is None
    for file in ("", str(short)):
        found = {name: Chosen(value, "file") for name, value in {**settings, "packet_passphrase": file}.items()}
        with pytest.raises(Refusal, match="packet_passphrase"):
            packets.asked(found)
