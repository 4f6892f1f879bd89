"""Settings: the environment wins over the file, the file over the default; a mistake is named, never guessed at."""

from __future__ import annotations

from pathlib import Path

import pytest

from onmaru.app.refusal import Refusal
from onmaru.app.settings import SETTINGS, Chosen, Setting, load, room_settings
from onmaru.fhir.syntax import DEPTH


def write(home: Path, text: str) -> dict[str, str]:
    (home / "onmaru.toml").write_text(text, "utf-8")
    return {"ONMARU_HOME": str(home)}


def test_defaults_hold_where_nothing_is_said(tmp_path: Path) -> None:
    chosen = load({"ONMARU_HOME": str(tmp_path)})
    assert chosen["home"] == Chosen(str(tmp_path), "environment")
    assert {name for name, (_, origin) in chosen.items() if origin != "default"} == {"home"}
    assert chosen["port"].value == 8080


def test_the_file_wins_over_the_default_and_the_environment_over_the_file(tmp_path: Path) -> None:
    environ = write(tmp_path, "port = 9000\nmax_seconds = 5\n")
    assert load(environ)["port"] == Chosen(9000, "file")
    assert load(environ)["max_seconds"] == Chosen(5.0, "file")
    assert load({**environ, "ONMARU_PORT": "9001"})["port"] == Chosen(9001, "environment")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("prot = 1", "no setting prot"),
        ("home = '/elsewhere'", "no setting home"),
        ("port = '8080'", "port: int wanted, str found"),
        ("port = true", "port: int wanted, bool found"),
        ("port =", "onmaru.toml"),
    ],
)
def test_a_mistake_in_the_file_is_refused_by_name(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(Refusal, match=reason):
        load(write(tmp_path, text))


def test_a_mistake_in_the_environment_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="ONMARU_PORT: int wanted"):
        load({"ONMARU_HOME": str(tmp_path), "ONMARU_PORT": "many"})


def test_a_rooms_settings_have_a_table_and_variables_of_their_own(tmp_path: Path) -> None:
    declared = (Setting("colour", "green", ""), Setting("floors", 2, ""), Setting("lit", True, ""))
    environ = {**write(tmp_path, "[room.attic]\nfloors = 3\n"), "ONMARU_ATTIC_LIT": "no"}
    assert room_settings("attic", declared, environ) == {"colour": "green", "floors": 3, "lit": False}
    with pytest.raises(Refusal, match="yes or no"):
        room_settings("attic", declared, {**environ, "ONMARU_ATTIC_LIT": "perhaps"})


def test_keys_and_witness_lie_outside_the_data_by_default() -> None:
    defaults = {setting.name: Path(str(setting.default)) for setting in SETTINGS}
    for apart in ("keys", "witness"):
        assert not defaults[apart].is_relative_to(defaults["home"])


@pytest.mark.parametrize(
    "text", ["language = 'de'", "max_depth = 65", "max_depth = 0", "port = 70000", "max_entries = -1"]
)
def test_a_value_out_of_bounds_is_refused_by_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(Refusal, match=text.partition(" ")[0]):
        load(write(tmp_path, text))


def test_the_greatest_depth_is_the_one_that_the_parsers_stand() -> None:
    assert {setting.name: setting.within[1] for setting in SETTINGS}["max_depth"] == DEPTH


@pytest.mark.parametrize("base", ["", "https://emr.example.org", "http://10.0.0.5:8443", "https://[fd00::1]"])
def test_a_public_address_is_scheme_and_host(tmp_path: Path, base: str) -> None:
    assert load({"ONMARU_HOME": str(tmp_path), "ONMARU_BASE": base})["base"].value == base


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("base", "emr.example.org"),
        ("base", "https://emr.example.org/"),
        ("base", "https://emr.example.org/onmaru"),
        ("base", "https://user@emr.example.org"),
        ("proxies", "10.0.0.5, 10.0.0.6"),
        ("proxies", "10.0.0.0/99"),
        ("proxies", "proxy.example.org"),
    ],
)
def test_a_public_address_or_proxy_that_is_none_is_refused_by_name(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(Refusal, match=f"setting {name}: .* wanted"):
        load({"ONMARU_HOME": str(tmp_path), f"ONMARU_{name.upper()}": text})
