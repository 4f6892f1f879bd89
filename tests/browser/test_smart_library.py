"""The public SMART library, npm `fhirclient` as it is published, opens a house in Chromium: standalone and from the house.

The library is fetched once, as npm publishes it. Skipped, visibly, without Chromium, or without it and the registry.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import Page
from tests.browser.chromium import ABSENT, CHROMIUM, PROGRAM
from tests.smart import PASSWORD, SCOPE, Hospital, hospital

APP = Path(__file__).resolve().parents[1] / "smart_app"
LIBRARY = APP / "node_modules" / "fhirclient" / "build" / "fhir-client.min.js"

# A registry may be slow to answer once
TRIES = 3


class _Files(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/fhir-client.min.js"):
            self.path = f"/{LIBRARY.relative_to(APP).as_posix()}"
        super().do_GET()

    def log_message(self, *args: Any) -> None:
        """Keep the test's output clean."""


def fetched(folder: Path) -> bool:
    """Fetch the one file of the library that a page loads; whether it is there now."""
    version = json.loads((APP / "package.json").read_text("utf-8"))["dependencies"]["fhirclient"]
    bin = Path(sys.executable).parent
    environ = {**os.environ, "PATH": f"{bin}{os.pathsep}{os.environ.get('PATH', '')}"}
    argv = [str(bin / "npm"), "pack", f"fhirclient@{version}", "--silent", "--pack-destination", str(folder)]
    if not any(_run(argv, folder, environ) for _ in range(TRIES)):
        return False
    with tarfile.open(next(folder.glob("*.tgz"))) as packed:
        found = packed.extractfile(f"package/build/{LIBRARY.name}")
        assert found is not None
        LIBRARY.parent.mkdir(parents=True, exist_ok=True)
        LIBRARY.write_bytes(found.read())
    return True


def _run(argv: list[str], folder: Path, environ: dict[str, str]) -> bool:
    try:
        subprocess.run(argv, cwd=folder, env=environ, check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    if not PROGRAM.exists():
        pytest.skip(ABSENT)
    if not LIBRARY.exists() and not fetched(tmp_path_factory.mktemp("npm")):
        pytest.skip("the SMART library is not there, and npm could not fetch it")
    with hospital(tmp_path_factory.mktemp("smart")) as made:
        yield made


@pytest.fixture(scope="module")
def app() -> Iterator[str]:
    """Where the app's pages are served, at an origin of their own."""
    files = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(APP)))
    threading.Thread(target=files.serve_forever, daemon=True).start()
    yield f"http://localhost:{files.server_port}"
    files.shutdown()
    files.server_close()


@pytest.fixture
def page(house: Hospital) -> Iterator[Page]:
    context = CHROMIUM.browser.new_context(locale="ko-KR")
    yield context.new_page()
    context.close()


def log_in(page: Page) -> None:
    page.get_by_label("사용자 이름").fill("doctor")
    page.get_by_label("비밀번호").fill(PASSWORD)
    page.get_by_role("button", name="로그인", exact=True).click()


def said(page: Page) -> dict[str, Any]:
    page.wait_for_function(
        "document.getElementById('said') && document.getElementById('said').textContent", timeout=15_000
    )
    found: dict[str, Any] = json.loads(page.inner_text("#said"))
    return found


def test_the_library_launches_standalone_with_pkce_reads_and_refreshes(house: Hospital, app: str, page: Page) -> None:
    client, _ = house.client(redirect_uris=(f"{app}/index.html",))
    asked = {"client": client, "iss": f"{house.base}/fhir", "scope": SCOPE}
    page.goto(f"{app}/index.html?{urlencode(asked)}")
    log_in(page)
    page.get_by_label("환자 이름이나 등록번호").fill("김")
    page.get_by_role("button", name="찾기").click()
    page.get_by_role("radio").check()
    page.get_by_role("button", name="허용").click()
    told = said(page)
    assert told == {
        "patient": "p1", "again": "p1", "changed": True, "other": 404, "found": ["o1"],
        "user": "Practitioner/doctor",
    }  # fmt: skip


def test_the_library_is_launched_from_the_hospitals_pages(house: Hospital, app: str, page: Page) -> None:
    scope = "launch openid fhirUser online_access patient/*.rs"
    client, _ = house.client(redirect_uris=(f"{app}/index.html",), initiate_login_uri=f"{app}/index.html", scope=scope)
    doctor = {"authorization": f"Bearer {house.token('doctor')}"}
    made = httpx.post(f"{house.base}/api/launch", json={"client": client, "patient": "p2"}, headers=doctor).json()
    page.goto(f"{made['url']}&{urlencode({'client': client, 'scope': scope})}")
    log_in(page)
    page.get_by_role("button", name="허용").click()
    told = said(page)
    assert "error" not in told, told
    assert told["patient"] == "p2" and told["found"] == ["o2"] and told["changed"]
