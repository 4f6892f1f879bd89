"""What a door refuses, it can say in Korean and English; the words that the code uses are all in the catalogue."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

import onmaru
from onmaru.adapters import reasons

ROOT = Path(onmaru.__file__).parent
# Where the words of a dead letter come from; what reads code systems speaks to whoever sits at the keyboard
SPOKEN = (
    *sorted(file for file in (ROOT / "adapters").rglob("*.py") if file.parent.name != "terms"),
    *(ROOT / "fhir" / f"{name}.py" for name in ("structure", "syntax", "validation", "verbatim", "xml_form")),
    *(ROOT / "kernel" / f"{name}.py" for name in ("bundle", "entry", "errand", "write")),
)
# Said of letters themselves to whoever asks for one, and of who may keep what: never of a letter
ELSEWHERE = ("state is open", "no such dead letter", "the dead letter is no longer open")
PLACES = {"Refused": 2, "invalid": 1, "Issue": 1}


def words(node: ast.expr) -> str | None:
    """The text of a literal; each value put into it is X1."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(words(part) or "X1" for part in node.values)
    return None


def spoken() -> Iterator[tuple[str, str]]:
    for file in SPOKEN:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            name = getattr(getattr(node, "func", None), "id", "")
            if isinstance(node, ast.Call) and name in PLACES and len(node.args) > PLACES[name]:
                text = words(node.args[PLACES[name]])
                if text is not None and not text.startswith(ELSEWHERE):
                    yield file.name, text


def test_every_refusal_of_the_doors_is_in_the_catalogue() -> None:
    said = list(spoken())
    assert len(said) > 60
    unknown = [(file, text) for file, text in said if any(one.code == reasons.OTHER for one in reasons.reasons(text))]
    assert not unknown


def test_both_languages_have_the_same_parameters_and_korean_is_korean() -> None:
    catalogue = tomllib.loads(files("onmaru.adapters").joinpath("data/reasons.toml").read_text("utf-8"))
    for code, one in catalogue.items():
        assert set(re.findall(r"\{(\w+)\}", one["ko"])) <= set(re.findall(r"\{(\w+)\}", one["en"])), code
        assert re.search("[가-힣]", one["ko"]), code


@pytest.mark.parametrize(
    ("text", "korean"),
    [
        ("PID has no patient identifier", "PID에 환자 번호가 없습니다"),
        ("a PV1 that this event requires is missing", "이 이벤트에 필요한 PV1 세그먼트가 없습니다"),
        (
            "The element is required.; Observation.code: The element is required.; 3 more",
            "반드시 있어야 하는 요소입니다; Observation.code: 반드시 있어야 하는 요소입니다; 그 밖에 3건",
        ),
        (
            "the receiver failed; the message is kept as a dead letter",
            "수신 쪽의 오류로 처리하지 못했습니다. 메시지는 보관했습니다",
        ),
        ("Patient.birthDate: The date is not a valid date.", "Patient.birthDate: 올바른 date 값이 아닙니다"),
        ("words that nobody knows", "words that nobody knows"),
    ],
)
def test_a_reason_is_told_in_korean(text: str, korean: str) -> None:
    assert reasons.told(text, "ko") == korean
    assert reasons.told(text, "en") == text


def test_a_reason_is_a_code_with_parameters_and_a_place() -> None:
    one, two = reasons.reasons("Patient.name: The element must be an array.; message is longer than 5 bytes")
    assert (one.code, one.where, dict(one.params)) == ("array-wanted", "Patient.name", {})
    assert (two.code, two.where, dict(two.params)) == ("message-too-long", "", {"most": "5"})
