"""Words in narratives and in the whole of a resource: what a query means, in Korean and English, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from onmaru.engines.index.words import terms
from onmaru.fhir import search, structure, verbatim
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.query import Text
from onmaru.fhir.search.fulltext import Wrong, holds, sought
from onmaru.fhir.search.human import sentences

DIV = (
    '<div xmlns="http://www.w3.org/1999/xhtml"><p title="heading">위암 환자로 <b>고혈압</b>약을 복용함.</p>'
    "<p>No acute <i>myocardial infarction</i> &amp; stable; caf&#233; visited</p></div>"
)
NOTE: dict[str, Any] = {
    "resourceType": "Observation", "status": "final", "text": {"status": "generated", "div": DIV},
    "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4", "display": "Heart rate"}]},
    "note": [{"text": "환자가 \"두통\"을 호소함\nseen by Dr. O'Neil"}], "subject": {"display": "홍길동"},
    "identifier": [{"system": "urn:mrn", "value": "SECRET-77"}],
}  # fmt: skip
BODY = verbatim.compact(json.dumps(NOTE, ensure_ascii=False).encode())


def found(text: str, *, narrative: bool = True) -> bool:
    return holds(BODY, [Text(text)], narrative=narrative)


@pytest.mark.parametrize(
    "text",
    [
        "myocardial", "MYOCARDIAL", "myocardial infarction", '"myocardial infarction"', "infa*", "위암", "암", "고혈압약",
        "환자 고혈압", '"위암 환자"', '"암 환자로"', "cafe", "café", "stroke OR infarction", "(stroke or 위암) and stable",
        "stroke OR 위암 infarction", '"acute myo" OR acute', "복용", '"myocardial infa*" OR "infarction stable"',
    ],
)  # fmt: skip
def test_a_narrative_has_it(text: str) -> None:
    assert found(text) and found(text, narrative=False)


@pytest.mark.parametrize(
    "text",
    [
        "stroke", "myocard", '"infarction myocardial"', "위암 stroke", "heading", "xmlns", "title", '"환자 위암"',
        "(stroke OR fever) AND 위암", "amp", "두통", '"고혈압 복용"', "infarctions",
    ],
)  # fmt: skip
def test_a_narrative_has_it_not(text: str) -> None:
    assert not found(text)


def test_the_content_is_every_text_for_people_and_no_identifier() -> None:
    for text in ("두통", '"heart rate"', "hear*", "홍길동", "neil", "호소", "위암 두통"):
        assert found(text, narrative=False), text
    for text in ("SECRET", "77", "loinc", "8867", "final", '"heart 두통"', "Observation"):
        assert not found(text, narrative=False), text


@pytest.mark.parametrize("text", ["", "  ", "(", ")", "(a", "a)", "AND", "a OR", "or a", '"a', '""', "*", "abc*", "a " * 60,
                                  "(" * 30 + "a" + ")" * 30, "x" * 1001, "!?"])  # fmt: skip
def test_a_query_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Wrong):
        sought(text)
    with pytest.raises(Invalid) as refused:
        search.parse(("Observation",), [("_content", text)])
    assert refused.value.status == 400 and (not text.strip() or text not in str(refused.value) or len(text) < 3)


def test_words_are_asked_without_modifier_and_never_sorted_by() -> None:
    for pair in (("_text:exact", "a"), ("_content:missing", "true"), ("_sort", "_content")):
        with pytest.raises(Invalid):
            search.parse(("Observation",), [pair])
    assert search.parse((), [("_content", "고혈압")]).clauses


def test_what_a_key_already_says_gets_no_words_of_its_own() -> None:
    keys = search.extract(structure.decode(BODY))
    kept = {term.rpartition("\x00")[2] for _, term in terms(BODY, keys)}
    assert {"두통", "위암", "myoc"} <= kept
    assert not {"hear", "rate"} & kept


def test_texts_are_read_alike_with_and_without_an_escape() -> None:
    plain = b'{"name":["a","b"],"text":"c","title":{"text":"d"},"given":[],"code":"text","display":"","note":[{"text":"e"}]}'
    assert list(sentences(plain)) == ["a", "b", "c", "d", "", "e"]
    assert list(sentences(plain[:-1] + b',"purpose":"\\"f"}')) == ["a", "b", "c", "d", "", "e", '"f']
