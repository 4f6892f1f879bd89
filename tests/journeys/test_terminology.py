"""The terminology service over HTTP: what each operation answers, in which form it is asked, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from tests.web_house import Answer, House

from onmaru.fhir import structure

Json = dict[str, Any]
KCD = "urn:kcd"
COLOURS = "urn:colours"


def code_system(url: str, concepts: list[Json], **more: Any) -> Json:
    told = {"resourceType": "CodeSystem", "id": url[4:], "url": url, "status": "active", "content": "complete"}
    return {**told, "concept": concepts, **more}


def value_set(name: str, *include: Json, **more: Any) -> Json:
    compose = {"include": list(include), **more}
    return {"resourceType": "ValueSet", "id": name, "url": f"urn:{name}", "status": "active", "compose": compose}


def only(prop: str, op: str, value: str, system: str = KCD) -> Json:
    return {"system": system, "filter": [{"property": prop, "op": op, "value": value}]}


DEFINED = [
    code_system(
        KCD,
        [
            {
                "code": "E10-E14",
                "display": "당뇨병",
                "property": [{"code": "notSelectable", "valueBoolean": True}],
                "concept": [
                    {"code": "E10", "display": "1형 당뇨병"},
                    {
                        "code": "E11",
                        "display": "2형 당뇨병",
                        "definition": "인슐린 저항성에 의한 당뇨병",
                        "designation": [{"language": "en", "value": "Type 2 diabetes mellitus"}],
                        "concept": [{"code": "E11.2", "display": "신장 합병증을 동반한 2형 당뇨병"}],
                    },
                    {
                        "code": "E12",
                        "display": "영양실조와 관련된 당뇨병",
                        "property": [{"code": "inactive", "valueBoolean": True}, {"code": "sex", "valueCode": "F"}],
                    },
                ],
            },
            {"code": "I10", "display": "본태성 고혈압", "property": [{"code": "sex", "valueCode": "M"}]},
        ],
        version="9",
        language="ko",
        property=[{"code": "sex", "type": "code"}],
        valueSet="urn:kcd-all",
    ),
    code_system(
        COLOURS,
        [{"code": "Red", "display": "Red"}, {"code": "BLUE", "display": "Blue"}],
        version="1",
        caseSensitive=False,
    ),
    {**code_system(COLOURS, [{"code": "green", "display": "Green"}], version="2"), "id": "colours2"},
    code_system(
        "urn:korean-colours",
        [{"code": "green", "designation": [{"language": "ko", "value": "초록"}]}],
        content="supplement",
        supplements=COLOURS,
    ),
    value_set("diabetes", only("concept", "is-a", "E10-E14")),
    value_set(
        "mixed", {"system": KCD, "concept": [{"code": "I10", "display": "고혈압"}]}, {"valueSet": ["urn:diabetes"]}
    ),
    value_set("both", {"system": KCD, "valueSet": ["urn:diabetes", "urn:mixed"]}, exclude=[only("code", "=", "E10")]),
    value_set("ring", {"valueSet": ["urn:gnir"]}),
    value_set("gnir", {"valueSet": ["urn:ring"]}),
    value_set("old", {"system": COLOURS, "version": "1"}),
    value_set("new", {"system": COLOURS}),
    value_set("absent", {"system": "urn:nobody"}),
    {
        "resourceType": "ConceptMap",
        "id": "to-colours",
        "url": "urn:to-colours",
        "status": "active",
        "sourceUri": "urn:diabetes",
        "targetUri": "urn:new",
        "group": [
            {
                "source": KCD,
                "target": COLOURS,
                "element": [
                    {"code": "E11", "target": [{"code": "green", "display": "Green", "equivalence": "wider"}]},
                    {"code": "E10", "target": [{"equivalence": "unmatched"}]},
                ],
                "unmapped": {"mode": "fixed", "code": "Red"},
            }
        ],
    },
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("terms"))
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}} for one in DEFINED
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    assert made.ask("POST", "/fhir", bundle, token=made.token("keeper", "data-manager")).status == 200
    yield made
    made.close()


def get(house: House, path: str, *, language: str = "en") -> Answer:
    return house.ask("GET", f"/fhir/{path}", b"", {"accept-language": language}, house.token("doctor", "physician"))


def post(house: House, path: str, *parameters: Json) -> Answer:
    body = {"resourceType": "Parameters", "parameter": list(parameters)}
    return house.ask("POST", f"/fhir/{path}", body, {"accept-language": "en"}, house.token("doctor", "physician"))


def said(answer: Answer) -> dict[str, Any]:
    """Parameters by name, a repeated one as a list; checked to be valid R4."""
    assert answer.status == 200, answer.body
    structure.decode(answer.body)
    found: dict[str, Any] = {}
    for one in answer.json["parameter"]:
        value = next((v for k, v in one.items() if k.startswith("value")), None)
        value = (
            {p["name"]: next(v for k, v in p.items() if k != "name") for p in one["part"]} if "part" in one else value
        )
        found[one["name"]] = [*found[one["name"]], value] if isinstance(found.get(one["name"]), list) else value
        if one["name"] in ("property", "designation", "match") and not isinstance(found[one["name"]], list):
            found[one["name"]] = [value]
    return found


def listed(answer: Answer) -> list[str]:
    """The codes of an expansion, whose total is theirs where it was not paged."""
    assert answer.status == 200, answer.body
    structure.decode(answer.body)
    return [one["code"] for one in answer.json["expansion"].get("contains", [])]


def test_a_lookup_tells_display_parents_children_and_properties(house: House) -> None:
    found = said(get(house, f"CodeSystem/$lookup?system={KCD}&code=E11"))
    assert (found["display"], found["version"]) == ("2형 당뇨병", "9")
    told = [(one["code"], one["value"]) for one in found["property"]]
    assert ("parent", "E10-E14") in told and ("child", "E11.2") in told
    assert found["designation"][0]["value"] == "Type 2 diabetes mellitus"
    english = said(get(house, f"CodeSystem/$lookup?system={KCD}&code=E11&displayLanguage=en&property=child"))
    assert english["display"] == "Type 2 diabetes mellitus"
    assert [one["code"] for one in english["property"]] == ["child"] and "designation" not in english
    posted = post(house, "CodeSystem/$lookup", {"name": "coding", "valueCoding": {"system": KCD, "code": "I10"}})
    assert said(posted)["display"] == "본태성 고혈압"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"CodeSystem/$lookup?system={KCD}&code=Z99", 404, "not-found"),
        ("CodeSystem/$lookup?system=urn:nobody&code=1", 404, "not-found"),
        (f"CodeSystem/$lookup?system={KCD}&version=8&code=E11", 404, "not-found"),
        ("CodeSystem/$lookup?system=http://loinc.org", 400, "required"),
        (f"CodeSystem/$lookup?system={KCD}&code=E11&code=E10", 400, "value"),
        ("ValueSet/$lookup?code=1", 404, "not-supported"),
        ("CodeSystem/kcd/$lookup?code=E11", 404, "not-supported"),
        ("ValueSet/$expand?url=urn:nobody", 404, "not-found"),
        ("ValueSet/$expand", 400, "required"),
        ("ValueSet/$expand?url=urn:diabetes&counts=1", 400, "not-supported"),
        ("ValueSet/$expand?url=urn:diabetes&count=-1", 400, "value"),
        ("ValueSet/$expand?url=urn:diabetes&activeOnly=ja", 400, "value"),
        ("ValueSet/$expand?url=urn:ring", 422, "business-rule"),
        ("ValueSet/$expand?url=urn:absent", 404, "not-found"),
        ("ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/mimetypes", 422, "too-costly"),
        ("ValueSet/$expand?url=urn:diabetes&count=99999", 422, "too-costly"),
        ("ValueSet/diabetes/$expand?url=urn:mixed", 400, "not-supported"),
        ("ValueSet/nothing/$expand", 404, "not-found"),
        ("ValueSet/$expand?url=urn:new&check-system-version=urn:colours%7C1", 422, "conflict"),
        ("ValueSet/$expand?url=urn:new&system-version=urn:colours", 400, "value"),
        ("ValueSet/$validate-code?url=urn:absent&system=urn:nobody&code=1", 404, "not-found"),
        (f"CodeSystem/$subsumes?system={KCD}&codeA=E11&codeB=nothing", 404, "not-found"),
        ("ConceptMap/$translate?url=urn:nobody&system=urn:kcd&code=E11", 404, "not-found"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_its_reason(house: House, path: str, status: int, code: str) -> None:
    answer = get(house, path)
    assert (answer.status, answer.issues[0]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("url=urn:diabetes", ["E10-E14", "E10", "E11", "E11.2", "E12"]),
        ("url=urn:diabetes&activeOnly=true", ["E10-E14", "E10", "E11", "E11.2"]),
        ("url=urn:diabetes&excludeNotForUI=true", ["E10", "E11", "E11.2", "E12"]),
        ("url=urn:diabetes&offset=1&count=2", ["E10", "E11"]),
        ("url=urn:diabetes&count=0", []),
        (f"url=urn:diabetes&filter={quote('합병증')}", ["E11.2"]),
        (f"url=urn:diabetes&filter={quote('2형 당뇨')}", ["E11", "E11.2"]),
        (f"url=urn:diabetes&filter={quote('ㄷㄴㅂ')}&count=2", ["E10-E14", "E10"]),
        ("url=urn:diabetes&filter=MELLI", ["E11"]),
        ("url=urn:diabetes&filter=e11", ["E11", "E11.2"]),
        ("url=urn:diabetes&filter=%21%21", []),
        ("url=urn:mixed", ["I10", "E10-E14", "E10", "E11", "E11.2", "E12"]),
        ("url=urn:both", ["E10-E14", "E11", "E11.2", "E12"]),
        ("url=urn:old", ["Red", "BLUE"]),
        ("url=urn:new", ["green"]),
        ("url=urn:new&system-version=urn:colours%7C1", ["Red", "BLUE"]),
        ("url=urn:new&check-system-version=urn:colours%7C2", ["green"]),
        ("url=urn:old&force-system-version=urn:colours%7C2", ["green"]),
        ("url=urn:mixed&exclude-system=urn:kcd", []),
        (f"url=urn:new&filter={quote('초록')}", ["green"]),
        ("url=urn:kcd-all&count=1", ["E10-E14"]),
    ],
)
def test_an_expansion_holds_these_codes_in_this_order(house: House, query: str, codes: list[str]) -> None:
    answer = get(house, f"ValueSet/$expand?{query}")
    assert listed(answer) == codes
    total = answer.json["expansion"]["total"]
    assert total >= len(codes) if "count" in query else total == len(codes)


def test_displays_designations_and_nesting_are_as_asked(house: House) -> None:
    [green] = get(house, "ValueSet/$expand?url=urn:new&displayLanguage=ko").json["expansion"]["contains"]
    assert green["display"] == "초록"
    [first, *_] = get(house, "ValueSet/$expand?url=urn:mixed&includeDesignations=true").json["expansion"]["contains"]
    assert first["display"] == "고혈압"
    [top] = get(house, "ValueSet/$expand?url=urn:diabetes&excludeNested=false").json["expansion"]["contains"]
    assert top["abstract"] and [one["code"] for one in top["contains"]] == ["E10", "E11", "E12"]
    assert top["contains"][1]["contains"][0]["code"] == "E11.2"
    sent = post(
        house, "ValueSet/$expand", {"name": "valueSet", "resource": DEFINED[4]}, {"name": "count", "valueInteger": 1}
    )
    assert listed(sent) == ["E10-E14"] and sent.json["expansion"]["total"] == 5


@pytest.mark.parametrize(
    ("filtered", "codes"),
    [
        (only("concept", "descendent-of", "E11"), ["E11.2"]),
        (only("concept", "is-not-a", "E10-E14"), ["I10"]),
        (only("concept", "generalizes", "E11.2"), ["E10-E14", "E11", "E11.2"]),
        (only("sex", "=", "F"), ["E12"]),
        (only("sex", "in", "F,M"), ["E12", "I10"]),
        (only("sex", "not-in", "F"), ["E10-E14", "E10", "E11", "E11.2", "I10"]),
        (only("sex", "exists", "true"), ["E12", "I10"]),
        (only("parent", "=", "E11"), ["E11.2"]),
        (only("parent", "exists", "false"), ["E10-E14", "I10"]),
        (only("code", "regex", "E1[01](\\..)?"), ["E10", "E11", "E11.2"]),
        (only("display", "regex", ".*고혈압"), ["I10"]),
        (only("sex", "regex", "[FM]"), ["E12", "I10"]),
        (only("concept", "is-a", "nothing"), []),
    ],
)
def test_a_filter_leaves_these_codes_and_membership_agrees(house: House, filtered: Json, codes: list[str]) -> None:
    made = value_set("sent", filtered)
    assert listed(post(house, "ValueSet/$expand", {"name": "valueSet", "resource": made})) == codes
    for code in ("E11.2", "I10"):
        parts = [{"name": "code", "valueCode": code}, {"name": "system", "valueUri": KCD}]
        answer = post(house, "ValueSet/$validate-code", {"name": "valueSet", "resource": made}, *parts)
        assert said(answer)["result"] is (code in codes)


@pytest.mark.parametrize(
    "filtered",
    [
        only("colour", "=", "red"),
        only("code", "regex", "(?=E)"),
        only("code", "regex", "(E{500}){500}"),
        only("sex", "exists", "perhaps"),
        only("sex", "is-a", "F"),
    ],
)
def test_a_filter_that_is_not_understood_or_costs_too_much_is_refused(house: House, filtered: Json) -> None:
    assert post(house, "ValueSet/$expand", {"name": "valueSet", "resource": value_set("sent", filtered)}).status == 422


@pytest.mark.parametrize(
    ("path", "result"),
    [
        (f"ValueSet/$validate-code?url=urn:diabetes&system={KCD}&code=E11", True),
        ("ValueSet/$validate-code?url=urn:diabetes&code=E11", True),
        (f"ValueSet/$validate-code?url=urn:diabetes&system={KCD}&code=I10", False),
        (f"ValueSet/diabetes/$validate-code?system={KCD}&code=E11", True),
        (f"ValueSet/$validate-code?url=urn:diabetes&system={KCD}&code=E10-E14&abstract=false", False),
        ("ValueSet/$validate-code?url=urn:old&system=urn:colours&code=rED", True),
        ("ValueSet/$validate-code?url=urn:new&system=urn:colours&code=Red", False),
        ("ValueSet/$validate-code?url=urn:new&system=urn:colours&systemVersion=1&code=Red", True),
        (f"CodeSystem/$validate-code?url={KCD}&code=E11", True),
        (f"CodeSystem/$validate-code?url={KCD}&code=E99", False),
        ("CodeSystem/colours/$validate-code?code=red", True),
        (f"CodeSystem/$validate-code?url={KCD}&code=E11&display=Type%202%20diabetes%20mellitus", True),
        (f"CodeSystem/$validate-code?url={KCD}&code=E11&display=Gout", False),
    ],
)
def test_a_code_is_in_or_is_not(house: House, path: str, result: bool) -> None:
    assert said(get(house, path))["result"] is result


def test_a_wrong_display_is_told_with_the_right_one_in_the_language_asked(house: House) -> None:
    found = said(get(house, f"CodeSystem/$validate-code?url={KCD}&code=E11&display=Gout", language="ko"))
    assert found["display"] == "2형 당뇨병" and "명칭" in found["message"]
    hint = said(get(house, f"CodeSystem/$validate-code?url={KCD}&code=E12", language="ko"))
    assert hint["result"] is True and "쓰지 않는" in hint["message"]


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        ("E11", "E11", "equivalent"),
        ("E10-E14", "E11.2", "subsumes"),
        ("E11.2", "E11", "subsumed-by"),
        ("I10", "E11", "not-subsumed"),
    ],
)
def test_two_codes_stand_to_each_other(house: House, first: str, second: str, outcome: str) -> None:
    assert said(get(house, f"CodeSystem/$subsumes?system={KCD}&codeA={first}&codeB={second}"))["outcome"] == outcome
    assert said(get(house, f"CodeSystem/kcd/$subsumes?codeA={first}&codeB={second}"))["outcome"] == outcome


def test_a_code_is_translated_forwards_back_and_where_the_map_has_no_element(house: House) -> None:
    found = said(get(house, f"ConceptMap/$translate?url=urn:to-colours&system={KCD}&code=E11"))
    assert found["result"] is True
    [match] = found["match"]
    assert (match["equivalence"], match["concept"]["code"], match["concept"]["system"]) == ("wider", "green", COLOURS)
    assert said(get(house, f"ConceptMap/to-colours/$translate?system={KCD}&code=E10"))["result"] is False
    fixed = said(get(house, f"ConceptMap/$translate?source=urn:diabetes&target=urn:new&system={KCD}&code=E12"))
    assert fixed["match"][0]["concept"]["code"] == "Red"
    back = said(get(house, f"ConceptMap/$translate?url=urn:to-colours&system={COLOURS}&code=green&reverse=true"))
    assert (back["match"][0]["concept"]["code"], back["match"][0]["equivalence"]) == ("E11", "narrower")


def test_a_definition_of_another_tenant_or_with_a_label_is_not_asked(house: House) -> None:
    other = house.token("outsider", "system", tenant="other")
    assert house.ask("GET", f"/t/other/fhir/CodeSystem/$lookup?system={KCD}&code=E11", token=other).status == 404
    secret = code_system("urn:secret", [{"code": "x"}], meta={"security": [{"code": "R"}]})
    keeper = house.token("keeper", "data-manager")
    assert house.ask("PUT", "/fhir/CodeSystem/secret", secret, token=keeper).status == 201
    assert get(house, "CodeSystem/$lookup?system=urn:secret&code=x").status == 404
    patient = house.token("patient", "patient", patient="p1")
    assert house.ask("GET", f"/fhir/CodeSystem/$lookup?system={KCD}&code=E11", token=patient).status == 404
    known = "system=http://hl7.org/fhir/account-status&code=active"
    assert house.ask("GET", f"/fhir/CodeSystem/$lookup?{known}", token=patient).status == 200


def test_a_new_version_of_a_definition_is_what_is_asked_next(house: House) -> None:
    keeper = house.token("keeper", "data-manager")
    for code in ("a", "b"):
        made = code_system("urn:changing", [{"code": code}])
        assert house.ask("PUT", "/fhir/CodeSystem/changing", made, token=keeper).status in (200, 201)
        assert said(get(house, f"CodeSystem/$validate-code?url=urn:changing&code={code}"))["result"] is True


def test_the_capability_statement_names_the_operations_of_each_type(house: House) -> None:
    told = get(house, "metadata").json["rest"][0]["resource"]
    named = {one["type"]: {each["name"] for each in one["operation"]} for one in told}
    assert {"lookup", "validate-code", "subsumes"} <= named["CodeSystem"]
    assert {"expand", "validate-code"} <= named["ValueSet"] and "translate" in named["ConceptMap"]
    assert "expand" not in named["Patient"]
    service = house.ask("GET", "/fhir/metadata?mode=terminology")
    structure.decode(service.body)
    assert service.json["resourceType"] == "TerminologyCapabilities" and service.json["expansion"]["paging"] is True
