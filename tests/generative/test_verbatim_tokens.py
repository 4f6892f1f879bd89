"""Whatever the JSON: compact keeps every token and finds every duplicate, stamp changes three members, relink only links."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from onmaru.fhir.outcome import Invalid
from onmaru.fhir.syntax import too_deep
from onmaru.fhir.verbatim import compact, relink, spots, stamp

Pairs = list[tuple[str, Any]]
SPACE = st.sampled_from(["", " ", "\n", "\t ", "\r\n"])
NUMBERS = st.sampled_from(["0", "-0", "72.50", "1.0e3", "1E400", "9" * 30, "-1.50E-3"])
NAMES = st.sampled_from(
    ["id", "meta", "tag", "versionId", "reference", "instantiatesUri", "a\\", 'b"', "b:", "한", "x"]
)
TEXTS = st.sampled_from(["", "urn:uuid:1", "Patient/1", '"meta":', '\\"id":', "{[", "]}", "é\n", "\\", ","]) | st.text(
    max_size=5
)


class Token(str):
    """A number as written."""


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(st.tuples(NAMES, inner), max_size=4).map(lambda pairs: ("object", pairs))


LEAVES = st.one_of(
    st.none(), st.booleans(), NUMBERS.map(Token), TEXTS.filter(lambda t: t.isascii() or t.encode("utf-8", "ignore"))
)
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | objects(inner), max_leaves=12)


def text(tree: Any, data: st.DataObject, spaced: bool) -> str:
    """JSON text of a tree, names and strings escaped now and then, white space between tokens if `spaced`."""

    def gap() -> str:
        return data.draw(SPACE) if spaced else ""

    if isinstance(tree, Token):
        return str(tree)
    if isinstance(tree, tuple):
        members = [f"{text(n, data, spaced)}{gap()}:{gap()}{text(v, data, spaced)}" for n, v in tree[1]]
        return f"{{{gap()}{f',{gap()}'.join(members)}{gap()}}}"
    if isinstance(tree, list):
        return f"[{gap()}{f'{gap()},'.join(text(one, data, spaced) for one in tree)}{gap()}]"
    plain = json.dumps(tree, ensure_ascii=data.draw(st.booleans()))
    return (
        plain.replace("i", "\\u0069").replace("m", "\\u006d")
        if isinstance(tree, str) and data.draw(st.booleans())
        else plain
    )


def read(raw: bytes) -> Any:
    return json.loads(raw, object_pairs_hook=lambda pairs: ("object", pairs), parse_int=Token, parse_float=Token)


def doubled(tree: Any) -> bool:
    """Whether an object in the tree names a member twice."""
    if isinstance(tree, tuple):
        names = [name for name, _ in tree[1]]
        return len(set(names)) < len(names) or any(doubled(value) for _, value in tree[1])
    return isinstance(tree, list) and any(map(doubled, tree))


@given(TREES, st.data())
def test_compact_keeps_every_token_and_refuses_exactly_what_names_a_member_twice(
    tree: Any, data: st.DataObject
) -> None:
    raw = text(tree, data, spaced=True).encode()
    try:
        small = compact(raw)
    except Invalid:
        assert doubled(tree)
        return
    assert not doubled(tree)
    assert read(small) == read(raw)
    assert compact(small) == small
    assert len(small) <= len(raw)


@given(st.dictionaries(NAMES, TREES, max_size=5), st.sampled_from([None, []]) | TREES, st.data())
def test_a_stamp_sets_its_three_members_and_nothing_else(
    members: dict[str, Any], tag: Any, data: st.DataObject
) -> None:
    members["resourceType"] = "Basic"
    if "meta" in members:
        members["meta"] = ("object", [("versionId", "old"), ("tag", tag)][data.draw(st.integers(0, 1)) :])
    if "id" in members:
        members["id"] = "old"
    pairs = data.draw(st.permutations(list(members.items())))
    raw = text(("object", pairs), data, spaced=False).encode()
    stamped = stamp(raw, "new", 3, 0)
    assert stamp(raw, "new", 3, 0, spots(raw)) == stamped
    after = dict(read(stamped)[1])
    assert after.pop("id") == "new"
    meta = dict(after.pop("meta")[1])
    assert (meta.pop("versionId"), meta.pop("lastUpdated")) == ("3", "1970-01-01T00:00:00.000000Z")
    before = dict(read(raw)[1])
    before.pop("id", None)
    old = dict(before.pop("meta", ("object", []))[1])
    old.pop("versionId", None)
    assert meta == old
    assert list(after.items()) == list(before.items())


def linked(tree: Any, name: str, mapping: dict[str, str]) -> Any:
    """What relinking means, on the tree."""
    if isinstance(tree, tuple):
        return ("object", [(n, linked(v, n, mapping)) for n, v in tree[1]])
    if isinstance(tree, list):
        return [linked(one, "" if name == "reference" else name, mapping) for one in tree]
    if isinstance(tree, str) and not isinstance(tree, Token):
        urn = tree.startswith("urn:") and name == "instantiatesUri"
        return mapping.get(tree, tree) if name == "reference" or urn else tree
    return tree


@given(TREES, st.data())
def test_relinking_changes_references_and_urns_in_uris_only(tree: Any, data: st.DataObject) -> None:
    mapping = {"urn:uuid:1": 'Patient/"9', "Patient/1": "Patient/8", "": "x"}
    raw = text(tree, data, spaced=False).encode()
    assert read(relink(raw, mapping)) == linked(read(raw), "", mapping)


@given(TREES, st.data())
def test_depth_is_what_recursion_says(tree: Any, data: st.DataObject) -> None:
    def depth(one: Any) -> int:
        inner = [v for _, v in one[1]] if isinstance(one, tuple) else one if isinstance(one, list) else None
        return 0 if inner is None else 1 + max(map(depth, inner), default=0)

    raw = text(tree, data, spaced=data.draw(st.booleans())).encode()
    deep = depth(read(raw))
    assert not too_deep(raw, deep)
    assert deep == 0 or too_deep(raw, deep - 1)
