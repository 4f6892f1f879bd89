"""Labels put on by a tenant's list of codes: what is added, what is left as it was written, which lists are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onmaru.app.house import assigned
from onmaru.app.refusal import Refusal
from onmaru.kernel.assigning import mark, rules
from onmaru.kernel.errand import Admit, Admitted

CONF = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
TABLE = rules(
    f"""[[assign]]
label = "{ACT}|SUD"
codes = ["urn:kcd|F1*", "urn:kcd|Z72.2"]
source = "the hospital's own list"
[[assign]]
label = "{CONF}|R"
codes = ["urn:kcd|B24"]
source = "the hospital's own list"
"""
)


def written(code: str, meta: str = "") -> Admitted:
    raw = (
        f'{{"resourceType":"Condition",{meta}"subject":{{"reference":"Patient/p"}},'
        f'"code":{{"coding":[{{"system":"urn:kcd","code":"{code}"}}]}},"onsetAge":{{"value":7.50,"unit":"a"}}}}'
    )
    made = Admit("Condition", raw.encode(), False, {}).done()
    mark(made, TABLE)
    return made


@pytest.mark.parametrize(
    ("code", "labels"),
    [("F10.2", [(ACT, "SUD")]), ("Z72.2", [(ACT, "SUD")]), ("B24", [(CONF, "R")]), ("E11", []), ("Z72.21", [])],
)
def test_a_code_of_the_list_puts_its_label_on_what_is_written(code: str, labels: list[tuple[str, str]]) -> None:
    made = written(code)
    security = json.loads(made.body).get("meta", {}).get("security", [])
    assert [(one["system"], one["code"]) for one in security] == labels == made.keys.labels
    assert b'"value":7.50' in made.body, "every other token stays as it was written"
    assert not labels or [one[1:] for one in made.keys.token if one[1:] in labels] == labels


def test_what_bears_as_much_already_is_left_alone() -> None:
    meta = f'"meta":{{"tag":[{{"code":"t"}}],"security":[{{"system":"{ACT}","code":"OPIOIDUD"}}]}},'
    assert json.loads(written("F10", meta).body)["meta"]["security"] == [{"system": ACT, "code": "OPIOIDUD"}]
    other = meta.replace("OPIOIDUD", "HIV")
    found = json.loads(written("F10", other).body)["meta"]
    assert [one["code"] for one in found["security"]] == ["HIV", "SUD"] and found["tag"] == [{"code": "t"}]


@pytest.mark.parametrize(
    "text",
    [
        '[[assign]]\nlabel="urn:x|y"\ncodes=["urn:kcd|F10"]\nsource="x"',
        f'[[assign]]\nlabel="{CONF}|secret"\ncodes=["urn:kcd|F10"]\nsource="x"',
        f'[[assign]]\nlabel="{CONF}|R"\ncodes=["F10"]\nsource="x"',
        f'[[assign]]\nlabel="{CONF}|R"\ncodes=["urn:kcd|*"]\nsource="x"',
        f'[[assign]]\nlabel="{CONF}|R"\ncodes=["urn:kcd|F10"]',
        "not toml",
    ],
)
def test_a_list_that_is_not_understood_stops_the_house(text: str, tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(text, "utf-8")
    with pytest.raises(Refusal):
        assigned(str(tmp_path / "rules.toml"))
    with pytest.raises(Refusal):
        assigned(str(tmp_path / "none.toml"))
    assert assigned("") == ()
