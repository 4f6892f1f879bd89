"""The files that a site installs from: units that systemd understands and hardens, a compose file of known words."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNITS = sorted(path.name for path in DEPLOY.glob("onmaru*.*") if path.suffix in (".service", ".timer"))
# Compose specification, 05-services.md: the words that we use, and what each takes
WORDS: dict[str, type | tuple[type, ...]] = {
    "build": dict, "image": str, "command": list, "restart": str, "stop_grace_period": str, "init": bool,
    "read_only": bool, "cap_drop": list, "security_opt": list, "tmpfs": list, "ulimits": dict, "environment": dict,
    "ports": list, "volumes": list, "healthcheck": dict,
}  # fmt: skip


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed here")
    folder = tmp_path_factory.mktemp("units")
    for name in UNITS:
        text = (DEPLOY / name).read_text("utf-8").replace("/usr/local/bin/onmaru", "/bin/true")
        (folder / name).write_text(text, "utf-8")
    return folder


def test_systemd_understands_every_unit(units: Path) -> None:
    assert UNITS == ["onmaru-backup.service", "onmaru-backup.timer", "onmaru.service"]
    argv = ["systemd-analyze", "verify", "--man=no", *(str(units / name) for name in UNITS)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_service_is_hardened(units: Path) -> None:
    argv = ["systemd-analyze", "security", "--offline=yes", "--threshold=20", str(units / "onmaru.service")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-300:]


def test_the_compose_file_says_what_the_specification_knows() -> None:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    assert set(found) == {"name", "services", "volumes"}
    (service,) = found["services"].values()
    assert all(isinstance(service[word], WORDS[word]) for word in service)
    named = {volume.partition(":")[0] for volume in service["volumes"]}
    assert named == set(found["volumes"]) and {"home", "keys", "witness"} <= named
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert "/readyz" in service["healthcheck"]["test"][-1]
    assert (DEPLOY.parent / service["build"]["dockerfile"]).is_file()
