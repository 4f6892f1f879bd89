"""Real resources pass and keep their tokens; broken ones are refused at their paths; the two ways of judging agree."""

from __future__ import annotations

import copy
import json
import os
import tarfile
import tomllib
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.generative import mutants

from onmaru.fhir import structure
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.subset import subset
from onmaru.fhir.syntax import Number
from onmaru.fhir.validation import problems
from onmaru.fhir.verbatim import compact, stamp

Find = Callable[[str], Path]


def pairs(raw: bytes) -> Any:
    """JSON as nested lists of (name, value) with every token as written: order and spelling count."""

    def number(token: str) -> Number:
        return Number(token)

    return json.loads(raw, object_pairs_hook=list, parse_int=number, parse_float=number)


def without_stamp(tree: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """A resource's members but for id, meta.versionId and meta.lastUpdated."""
    kept = []
    for name, value in tree:
        if name == "meta":
            value = [(n, v) for n, v in value if n not in ("versionId", "lastUpdated")]
        if name != "id" and (name != "meta" or value):
            kept.append((name, value))
    return kept


INVALID = tomllib.loads((Path(__file__).parent / "invalid.toml").read_text("utf-8"))


def real(find: Find) -> Iterator[tuple[str, bytes]]:
    """The examples, Bulk Data, every twentieth Synthea bundle and the core package's SearchParameters: (name, bytes)."""
    for path in sorted(find("fhir-r4-examples").glob("*.json*")):
        yield path.name, mutants.read(path)
    for path in sorted(find("fhir-bulk-ndjson-10").glob("[A-Z]*.ndjson.gz")):
        for number, line in enumerate(mutants.read(path).splitlines()):
            yield f"{path.name}:{number + 1}", line
    for path in sorted(find("fhir-synthea-r4").glob("*.json.gz"))[::20]:
        yield path.name, mutants.read(path)
    yield from search_parameters(next(find("fhir-core").glob("*.tgz")))


def search_parameters(package: Path) -> Iterator[tuple[str, bytes]]:
    """The SearchParameters of a package of definitions."""
    with tarfile.open(package) as tar:
        for member in tar:
            name = member.name.removeprefix("package/")
            stream = tar.extractfile(member) if name.startswith("SearchParameter-") else None
            if stream:
                yield name, stream.read()


@pytest.mark.slow
def test_every_real_resource_is_admitted_and_a_stamp_changes_only_its_three_members(shared_data: Find) -> None:
    seen, step = 0, 1 if os.environ.get("ONMARU_PROVE") else 3  # `onmaru prove 2.mutants`
    for name, raw in islice(real(shared_data), 0, None, step):
        try:
            small, resource = structure.admit(raw)
        except Invalid as refusal:
            assert [i.expression for i in refusal.issues] == [INVALID.get(name, {}).get("path")], name
            continue
        assert name not in INVALID
        assert pairs(small) == pairs(raw) == pairs(compact(raw)), name
        stamped = stamp(small, "a", 2, 1_700_000_000_000_000)
        assert without_stamp(pairs(stamped)) == without_stamp(pairs(raw)), name
        assert structure.decode(stamped).meta.versionId == "2", name
        assert msgspec.structs.fields(resource)
        seen += 1
    assert seen > 400 // step


@pytest.mark.slow
def test_mutants_are_refused_at_exactly_their_paths(shared_data: Find) -> None:
    count = 10_000 if os.environ.get("ONMARU_PROVE") else 1_500  # `onmaru prove 2.mutants`
    assert mutants.prove(shared_data("."), count, seed=20_261_122) == []


@pytest.mark.slow
def test_every_subset_of_a_real_resource_is_sound_and_marked(shared_data: Find) -> None:
    for path in sorted(shared_data("fhir-r4-examples").glob("*.json*"))[::3]:
        small = structure.admit(mutants.read(path))[0]
        for asked in ({"summary": "true"}, {"summary": "text"}, {"summary": "data"}, {"elements": ["status", "name"]}):
            part = subset(small, **asked)  # type: ignore[arg-type]
            assert any(tag.code == "SUBSETTED" for tag in structure.decode(part).meta.tag), (path.name, asked)


def agree(raw: bytes) -> None:
    """The fast way takes only what the validator takes, and what the validator takes can be decoded."""
    try:
        found = problems(raw)
    except Invalid as refusal:
        found = list(refusal.issues)
    try:
        structure.decode(raw)
        taken = True
    except Invalid as refusal:
        taken = False
        assert [i.text for i in refusal.issues] == [i.text for i in found]
    assert taken == (not found)


SMALL = [
    b'{"resourceType":"Patient","id":"a","name":[{"given":["x",null],"_given":[null,{"id":"b"}]}],"deceasedBoolean":true}',
    b'{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":72.50},'
    b'"_effectiveDateTime":{"extension":[{"url":"http://h","valueCode":"unknown"}]},"component":[{"code":{"text":"y"}}]}',
    b'{"resourceType":"Claim","item":[{"sequence":1,"careTeamSequence":[1,2]}],"contained":[{"resourceType":"Binary",'
    b'"contentType":"text/plain","data":"YWJj"}],"status":"active","type":{"text":"x"},"use":"claim","patient":{"display":'
    b'"x"},"created":"2020-02-29","provider":{"id":"q","display":"y"},"priority":{"text":"z"},"insurance":[{"sequence":1,'
    b'"focal":true,"coverage":{"display":"c"}}]}',
    b'{"resourceType":"Parameters","parameter":[{"name":"a","part":[{"name":"b","resource":{"resourceType":"Basic",'
    b'"code":{"text":"x"},"text":{"status":"empty","div":"<div xmlns=\\"http://www.w3.org/1999/xhtml\\">x</div>"}}}]}]}',
    b'{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Slot","schedule":{"display":"x"},'
    b'"status":"free","start":"2020-01-01T00:00:00Z","end":"2020-01-01T00:00:00.1+09:00"}}],"total":0}',
    b'{"resourceType":"Contract","term":[{"securityLabel":[{"number":[0,1],"classification":{"code":"x"}}],'
    b'"offer":{"text":"null"}}],"modifierExtension":[{"url":"u","extension":[{"url":"v","valueAttachment":{"size":0}}]}]}',
]
TEXTS = [
    "",
    " ",
    "x",
    "null",
    "{}",
    "a b",
    "2020",
    "2023-02-29",
    "a\x00",
    "\x1f",
    "\\",
    '":',
    "urn:oid:1",
    "YWJj",
    "\ud800",
]
NUMBERS = [0, -1, 1, 2**31, 10**400, -0.0, 1.5, 1e308]
NAMES = [
    *("id", "_id", "value", "valueString", "valueInteger", "_valueString", "_valueInteger", "extension", "url", "_url"),
    *(
        "text",
        "contained",
        "resourceType",
        "status",
        "_status",
        "given",
        "_given",
        "number",
        "_number",
        "sequence",
        "div",
    ),
    *("data", "resource"),
]
LEAVES = st.none() | st.booleans() | st.sampled_from(NUMBERS) | st.sampled_from(TEXTS)


def inside(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)


ANYTHING = st.recursive(LEAVES, inside, max_leaves=4)


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """(holder, key) of every value in a JSON tree."""
    for key in tree.keys() if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ():
        yield tree, key
        yield from places(tree[key])


@given(st.sampled_from(SMALL), st.data())
def test_the_fast_way_and_the_validator_agree_on_whatever_is_put_anywhere(raw: bytes, data: st.DataObject) -> None:
    tree = copy.deepcopy(json.loads(raw))
    for _ in range(data.draw(st.integers(1, 3))):
        holder, key = data.draw(st.sampled_from(list(places(tree)) or [({}, "")]))
        if not holder:
            break
        change = data.draw(st.sampled_from(["put", "drop", "wrap", "add"]))
        if change == "put":
            holder[key] = data.draw(ANYTHING)
        elif change == "drop":
            del holder[key]
        elif change == "wrap":
            holder[key] = [holder[key]]
        elif isinstance(holder, dict):
            holder[data.draw(st.sampled_from(NAMES))] = data.draw(ANYTHING)
    agree(json.dumps(tree, ensure_ascii=data.draw(st.booleans())).replace("-0.0", "-0").encode(errors="surrogatepass"))


@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,\\ 0e-.ntrue\u0000', max_size=60).map(str.encode))
def test_no_bytes_crash_the_decoder(raw: bytes) -> None:
    with pytest.raises(Invalid):
        structure.decode(raw)
