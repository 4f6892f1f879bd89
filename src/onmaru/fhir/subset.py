"""`_summary` and `_elements`: parts of a resource, marked SUBSETTED so that nobody stores them over the whole.

R4 search.html#summary and #elements. Elements that are mandatory or modify the meaning of others always stay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from onmaru.fhir.definitions import Element, kinds, members

SUBSETTED = b'{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}'
_ALWAYS = frozenset({"resourceType", "id", "meta"})

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array = msgspec.json.Decoder(list[msgspec.Raw])
_name = msgspec.json.Decoder(str)
_encode = msgspec.json.Encoder().encode


def subset(raw: bytes, *, summary: str = "", elements: Sequence[str] = ()) -> bytes:
    """The part of a sound resource that `_summary` (true, text, data, false, count or "") and `_elements` ask for.

    Kept tokens stay as written. `elements` are names at the root, `Type.name` also; names of other types are ignored.
    `_elements` narrows what `_summary` leaves. "false" and "" without `elements` give the resource itself, "count" b"".
    """
    if summary == "count":
        return b""
    if summary in ("", "false") and not elements:
        return raw
    tree = {name: bytes(value) for name, value in _object.decode(raw).items()}
    type_name = _name.decode(tree["resourceType"])
    if summary == "true":
        tree = _summarised(tree, type_name)
    elif summary == "text":
        tree = _filtered(tree, type_name, lambda e: e.name in ("text", "implicitRules") or e.min > 0)
    elif summary == "data":
        tree.pop("text", None)
    if elements:
        wanted = {name.removeprefix(f"{type_name}.") for name in elements}
        tree = _filtered(tree, type_name, lambda e: e.name in wanted or e.min > 0 or e.modifier)
    return _joined(_marked(tree))


def _filtered(tree: dict[str, bytes], type_name: str, keep: Callable[[Element], bool]) -> dict[str, bytes]:
    known = members(type_name)
    return {n: v for n, v in tree.items() if n in _ALWAYS or (n in known and keep(known[n].element))}


def _summarised(tree: dict[str, bytes], type_name: str) -> dict[str, bytes]:
    """Members marked as summary, with what is inside them filtered alike."""
    known = members(type_name)
    kept = {}
    for name, value in tree.items():
        member = known.get(name)
        if member is None:
            kept[name] = value  # resourceType
        elif member.element.summary or member.element.min or member.element.modifier:
            kept[name] = value if member.sibling else _inside(value, member.type)
    return kept


def _inside(value: bytes, type_name: str) -> bytes:
    """A value of a complex type without its parts that are no summary; a part that would be empty stays whole."""
    if kinds().get(type_name) not in ("complex", "backbone") or type_name == "Extension":
        return value
    if value.startswith(b"["):
        return b"[%s]" % b",".join(_inside(bytes(one), type_name) for one in _array.decode(value))
    tree = {name: bytes(one) for name, one in _object.decode(value).items()}
    kept = _summarised(tree, type_name)
    return _joined(kept) if kept.keys() - {"id"} else value


def _marked(tree: dict[str, bytes]) -> dict[str, bytes]:
    """With the tag SUBSETTED in meta, which comes after resourceType and id where there was none."""
    meta = {name: bytes(value) for name, value in _object.decode(tree.get("meta", b"{}")).items()}
    tags = meta.get("tag", b"[]")
    if b'"SUBSETTED"' not in tags:
        meta["tag"] = b"[%s]" % b",".join([*(bytes(tag) for tag in _array.decode(tags)), SUBSETTED])
    if "meta" in tree:
        return tree | {"meta": _joined(meta)}
    first = {name: tree[name] for name in ("resourceType", "id") if name in tree}
    return first | {"meta": _joined(meta)} | tree


def _joined(tree: dict[str, bytes]) -> bytes:
    return b"{%s}" % b",".join(b"%s:%s" % (_encode(name), value) for name, value in tree.items())
