"""XML Patch (RFC 5261) on the XML form of one resource: add, replace and remove, all carried out or none.

Selectors are RFC 5261's XPath of child steps, positions and compared values; each must lead to exactly one node. The div of
a narrative is one leaf: it is replaced whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.fhir.xml_form import NAMESPACE, XHTML, Element, Reader, resource
from onmaru.fhir.xml_writing import to_xml

MOST = 100
"""Operations of one patch."""
VISITS = 200_000
"""Elements that all selectors of one patch may look at together: others wait for it."""
LONGEST = 1_000
LARGEST = 1 << 18
"""Bytes of a resource that is patched so: it is written as XML and read again while others wait."""
_TOKEN = re.compile(r"""\s*(?:(?P<name>(?:[A-Za-z_][\w.\-]*:)?(?:[A-Za-z_][\w.\-]*|\*))|(?P<number>[1-9][0-9]{0,8})"""
                    r"""|"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<mark>[/@\[\]=]))\s*""", re.ASCII)  # fmt: skip


class Misfit(Exception):
    """The operation is well formed but does not fit this resource."""


class Test(msgspec.Struct, frozen=True):
    """A predicate: the `position` among what the step found, or what an attribute (of the element at `path`) must be."""

    position: int = 0
    path: tuple[str, ...] = ()
    attribute: str = ""
    value: str = ""


class Step(msgspec.Struct, frozen=True):
    """`name` is local, "*" for any and "" for what can be no element of FHIR."""

    name: str
    tests: tuple[Test, ...] = ()


class Operation(msgspec.Struct, frozen=True):
    """`attribute`: what the selector ends in, or an add's type; `content`: elements, `text`: an attribute's value."""

    kind: str
    steps: tuple[Step, ...]
    attribute: str
    place: str
    content: Sequence[Element]
    text: str


class _Document(Reader):
    """Reads a patch: `diff`, operations below it, and below these elements of FHIR."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self.prefixes: dict[str, str] = {}
        self.texts: list[list[str]] = []
        self._parser.StartNamespaceDeclHandler = self._named

    def _named(self, prefix: str | None, uri: str) -> None:
        if len(self._open) < 2 and self.prefixes.setdefault(prefix or "", uri) != uri:
            raise invalid("structure", "A prefix stands for one namespace in a patch.")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= 2 or self._markup_depth:
            super()._start(name, attributes)
            return
        element = Element(name.rpartition("|")[2], attributes, [])
        if self._open:
            self._open[0].children.append(element)
            self.texts.append([])
            if len(self.texts) > MOST:
                raise invalid("too-costly", f"a patch may have {MOST} operations", status=413)
        else:
            self.root = element
        self._open.append(element)

    def _text(self, text: str) -> None:
        if len(self._open) == 2 and not self._markup_depth:
            self.texts[-1].append(text)
        else:
            super()._text(text)


def operations(raw: bytes) -> list[Operation]:
    """Read a patch. Raises Invalid 400 for what is none, 413 for one that is too long."""
    document = _Document(raw)
    root = document.read()
    if root.name != "diff" or not root.children:
        raise invalid("structure", "an XML Patch is a diff with add, replace or remove")
    return [
        _operation(one, "".join(text), document.prefixes, f"diff.{one.name}[{number}]")
        for number, (one, text) in enumerate(zip(root.children, document.texts, strict=True))
    ]


def _operation(one: Element, text: str, prefixes: Mapping[str, str], where: str) -> Operation:
    selector, place, type = (one.attributes.get(name, "") for name in ("sel", "pos", "type"))
    if one.name not in _DO or not selector or len(selector) > LONGEST:
        raise invalid("value", f"add, replace or remove with a selector of at most {LONGEST} characters", where)
    if one.name != "add" and (place or type):
        raise invalid("value", "pos and type go with add", where)
    if place not in ("", "prepend", "before", "after") or (type and not type.startswith("@")):
        raise invalid("value", "pos is prepend, before or after; type is an attribute such as @value", where)
    try:
        steps, attribute = _Selector(selector, prefixes).read()
    except ValueError as error:
        raise invalid("not-supported", f"the selector cannot be used: {error}", where) from None
    if type and attribute:
        raise invalid("value", "an attribute has no attributes", where)
    attribute = attribute or type[1:]
    if text.strip() and not attribute:
        raise invalid("structure", "There is text here: FHIR writes values as attributes.", where)
    return Operation(one.name, steps, attribute, place, one.children, text)


class _Selector:
    """One selector, token by token. Raises ValueError with a reason that holds nothing of it."""

    def __init__(self, text: str, prefixes: Mapping[str, str]) -> None:
        self._prefixes = prefixes
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise ValueError("it is not of child steps, positions and compared values")
            self._tokens.append((found.lastgroup or "", found[found.lastgroup or 0]))
            at = found.end()
        self._tokens.append(("end", ""))

    def read(self) -> tuple[tuple[Step, ...], str]:
        """The steps from the root, and the attribute at the end or ""."""
        self._taken("mark", "/")
        steps: list[Step] = []
        while True:
            if self._taken("mark", "@"):
                attribute = self._attribute()
                break
            steps.append(self._step())
            if not self._taken("mark", "/"):
                attribute = ""
                break
        if self._tokens[0][0] != "end" or not steps:
            raise ValueError("it is not of child steps, positions and compared values")
        return tuple(steps), attribute

    def _taken(self, kind: str, value: str) -> bool:
        if self._tokens[0] != (kind, value):
            return False
        self._tokens.pop(0)
        return True

    def _one(self, *kinds: str) -> str:
        kind, value = self._tokens.pop(0) if self._tokens[0][0] != "end" else ("end", "")
        if kind not in kinds:
            raise ValueError("it is not of child steps, positions and compared values")
        return value

    def _local(self) -> str:
        prefix, colon, local = self._one("name").rpartition(":")
        if not colon and local == "*":
            return "*"
        if colon and prefix not in self._prefixes:
            raise ValueError("a prefix is not declared at diff or its operation")
        namespace = self._prefixes.get(prefix, "")
        if not namespace:
            raise ValueError("a name without a prefix is in no namespace: declare FHIR's at diff")
        return local if namespace == NAMESPACE or (namespace == XHTML and local == "div") else ""

    def _attribute(self) -> str:
        name = self._one("name")
        if ":" in name or name == "*":
            raise ValueError("FHIR has no attributes in a namespace")
        return name

    def _step(self) -> Step:
        name, tests = self._local(), []
        while self._taken("mark", "["):
            tests.append(self._test())
            if not self._taken("mark", "]"):
                raise ValueError("a condition is a position, or a value compared with =")
        return Step(name, tuple(tests))

    def _test(self) -> Test:
        if self._tokens[0][0] == "number":
            return Test(position=int(self._one("number")))
        path: list[str] = []
        while not self._taken("mark", "@"):
            path.append(self._local())
            if not self._taken("mark", "/"):
                raise ValueError("FHIR's values are attributes: compare @value")
        attribute = self._attribute()
        if not self._taken("mark", "="):
            raise ValueError("a condition is a position, or a value compared with =")
        return Test(0, tuple(path), attribute, self._one("double", "single"))


class _Tree:
    """The resource's elements and the visits that remain; a selected element comes with its parent."""

    def __init__(self, root: Element) -> None:
        self.top = Element("", {}, [root])
        self._left = VISITS

    def _visited(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise invalid("too-costly", "the selectors of this patch look at too many elements", status=413)

    def one(self, steps: Sequence[Step]) -> tuple[Element, Element]:
        """(parent, element) of the one element that the steps lead to. Raises Misfit for none or several."""
        found = [(self.top, self.top)]
        for step in steps:
            found = [pair for _, parent in found for pair in self._children(parent, step)]
        if len(found) != 1:
            raise Misfit(f"the selector leads to {len(found)} elements, not to one")
        return found[0]

    def _children(self, parent: Element, step: Step) -> list[tuple[Element, Element]]:
        self._visited(len(parent.children) + 1)
        found = [child for child in parent.children if step.name in ("*", child.name)]
        for test in step.tests:
            if test.position:
                found = found[test.position - 1 : test.position]
            else:
                found = [child for child in found if self._holds(child, test)]
        return [(parent, child) for child in found]

    def _holds(self, element: Element, test: Test) -> bool:
        at = [element]
        for name in test.path:
            self._visited(sum(len(one.children) for one in at) + 1)
            at = [child for one in at for child in one.children if name in ("*", child.name)]
        return any(one.attributes.get(test.attribute) == test.value for one in at)


def patched(raw: bytes, found: Sequence[Operation]) -> Any:
    """The JSON (as `fhirpath.read` gives it) of a stored resource with all operations carried out in order.

    Raises Invalid 422 where an operation does not fit the resource or makes what is none, 413 for too much work.
    """
    if len(raw) > LARGEST:
        raise invalid("too-costly", f"a resource over {LARGEST} bytes is not patched in XML", status=413)
    root = Reader(to_xml(raw)).read()
    tree = _Tree(root)
    for number, one in enumerate(found):
        try:
            _DO[one.kind](tree, one)
        except Misfit as misfit:
            raise invalid("processing", str(misfit), f"diff.{one.kind}[{number}]", 422) from None
    return resource(root)


def _add(tree: _Tree, one: Operation) -> None:
    parent, element = tree.one(one.steps)
    if one.attribute:
        if one.attribute in element.attributes:
            raise Misfit("the attribute is there already")
        element.attributes[one.attribute] = one.text
        return
    if not one.content:
        raise Misfit("there is nothing to add")
    fresh = [_copy(child) for child in one.content]
    if one.place in ("before", "after"):
        if parent is tree.top:
            raise Misfit("a resource has one root")
        at = _index(parent, element) + (one.place == "after")
        parent.children[at:at] = fresh
    else:
        at = 0 if one.place == "prepend" else len(element.children)
        element.children[at:at] = fresh


def _replace(tree: _Tree, one: Operation) -> None:
    parent, element = tree.one(one.steps)
    if one.attribute:
        _attributed(element, one)
        element.attributes[one.attribute] = one.text
        return
    if len(one.content) != 1 or parent is tree.top:
        raise Misfit("an element below the root is replaced by one element")
    parent.children[_index(parent, element)] = _copy(one.content[0])


def _remove(tree: _Tree, one: Operation) -> None:
    parent, element = tree.one(one.steps)
    if one.attribute:
        _attributed(element, one)
        del element.attributes[one.attribute]
        return
    if parent is tree.top:
        raise Misfit("the root is not removed")
    del parent.children[_index(parent, element)]


def _attributed(element: Element, one: Operation) -> None:
    if one.attribute not in element.attributes:
        raise Misfit("the element has no such attribute")


def _index(parent: Element, element: Element) -> int:
    return next(number for number, child in enumerate(parent.children) if child is element)


def _copy(element: Element) -> Element:
    """What was added once is changed by itself afterwards."""
    return Element(element.name, dict(element.attributes), [_copy(one) for one in element.children], element.markup)


_DO: Mapping[str, Callable[[_Tree, Operation], None]] = {"add": _add, "replace": _replace, "remove": _remove}
