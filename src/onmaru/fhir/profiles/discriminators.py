"""How a slice knows its own: each discriminator compiled to a test of one item (profiling.html#discriminator).

A slice whose discriminators say nothing that can be tested has no test; its cardinality is then not judged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from onmaru.fhir.fhirpath import Compiled, Node, PathError, compiled
from onmaru.fhir.fhirpath.types import ancestors
from onmaru.fhir.profiles.bindings import coded
from onmaru.fhir.profiles.library import Library
from onmaru.fhir.profiles.tree import Tree
from onmaru.fhir.profiles.values import matcher
from onmaru.fhir.profiles.visit import Visit

Test = Callable[[Node, Visit], bool]
# Whether a node meets a tree's demands in full, for a discriminator whose value lies deeper than its path
Deep = Callable[[Tree], "Test | None"]
_STEP = re.compile(r"(extension|ofType|resolve)\(\s*(?:'([^']*)'|([A-Za-z.]*))\s*\)|([A-Za-z]+)")


def test_of(slice_: Tree, discriminators: Sequence[tuple[str, str]], library: Library, deep: Deep) -> Test | None:
    """Whether an item is of the slice; None where nothing can be tested."""
    tests = [test for kind, path in discriminators if (test := _test(slice_, kind, path, library, deep)) is not None]
    if not tests:
        return None
    return tests[0] if len(tests) == 1 else lambda node, visit: all(test(node, visit) for test in tests)


def _test(slice_: Tree, kind: str, path: str, library: Library, deep: Deep) -> Test | None:
    resolved = kind in ("type", "profile") and path.endswith("resolve()")
    trees = located([slice_], path.removesuffix("resolve()") if resolved else path, library)
    try:
        ready = None if path == "$this" else compiled(path)
    except PathError:
        return None
    if kind in ("value", "pattern"):
        return _url(slice_, path) or _some(ready, [test for one in trees if (test := _content(one, deep))])
    if kind == "exists":
        return _exists(ready, trees)
    if kind == "type":
        return _of_type(ready, _targets(trees, library) if resolved else _types(trees))
    if kind != "profile":
        return None
    kinds = [one for tree in trees for one in tree.rule.types]
    return _of_profile(ready, [url for one in kinds for url in (one.targets if resolved else one.profiles)])


def _url(slice_: Tree, path: str) -> Test | None:
    """An extension's url is that of its profile, known or not."""
    profiles = [url for one in slice_.rule.types if one.code == "Extension" for url in one.profiles]
    if path != "url" or not profiles or "url" in slice_.children:
        return None
    return lambda node, visit: node.data.get("url") in profiles


def _nodes(ready: Compiled | None, node: Node, visit: Visit) -> list[Node]:
    if ready is None:
        return [node]
    try:
        return [one for one in visit.evaluate(ready, node) if one.__class__ is Node]
    except PathError:
        return []


def _some(ready: Compiled | None, tests: list[Test]) -> Test | None:
    """One of the nodes at the path passes one of the tests."""
    if not tests:
        return None
    return lambda node, visit: any(test(one, visit) for one in _nodes(ready, node, visit) for test in tests)


def _content(tree: Tree, deep: Deep) -> Test | None:
    """What tells an element's value: fixed[x] or pattern[x], a required binding, or what is below it."""
    if tree.rule.value:
        same = matcher(tree.rule)
        return lambda node, visit: same(node.data)
    inner = deep(tree)
    if inner is not None:
        return inner
    binding = tree.rule.binding
    if binding is not None and binding.strength == "required" and binding.value_set:
        url = binding.value_set
        return lambda node, visit: coded(node, visit.library.members(url)) is True
    return None


def _exists(ready: Compiled | None, trees: list[Tree]) -> Test | None:
    if any(one.rule.max == 0 for one in trees):
        return lambda node, visit: not _nodes(ready, node, visit)
    if any(one.rule.min for one in trees):
        return lambda node, visit: bool(_nodes(ready, node, visit))
    return None


def _types(trees: list[Tree]) -> frozenset[str]:
    """The types that elements may have; a resource's root is its own."""
    codes = {kind.code for one in trees for kind in one.rule.types}
    return frozenset(codes | {one.rule.path for one in trees if not one.rule.types and "." not in one.rule.path})


def _targets(trees: list[Tree], library: Library) -> frozenset[str]:
    """The resource types that elements may refer to."""
    found = [library.definition(url) for one in trees for kind in one.rule.types for url in kind.targets]
    return frozenset(one.type for one in found if one is not None)


def _of_type(ready: Compiled | None, wanted: frozenset[str]) -> Test | None:
    def test(node: Node, visit: Visit) -> bool:
        return any(not wanted.isdisjoint(ancestors(one.type)) for one in _nodes(ready, node, visit))

    return test if wanted else None


def _of_profile(ready: Compiled | None, urls: list[str]) -> Test | None:
    def test(node: Node, visit: Visit) -> bool:
        return any(visit.conforms(one, url) is True for one in _nodes(ready, node, visit) for url in urls)

    return test if urls else None


def located(trees: list[Tree], path: str, library: Library) -> list[Tree]:
    """The elements that a discriminator's path leads to in a definition: of each step also its slices."""
    for name, quoted, word, label in _STEP.findall(path.replace("$this", "")):
        trees = [found for one in trees for found in _next(one, (name, quoted or word, label), library)]
    # What is at the same path said with a value is what tells the slice
    return [one for one in trees if one.rule.value] or trees


def _next(tree: Tree, step: tuple[str, str, str], library: Library) -> Iterable[Tree]:
    name, argument, label = step
    if name == "ofType":
        return [one for one in tree.slices.values() if any(kind.code == argument for kind in one.rule.types)] or [tree]
    if name == "extension":
        return _extension(tree, argument, library)
    if name == "resolve":
        found = [library.tree(url) for kind in tree.rule.types for url in kind.targets]
        return [one for one in found if one is not None]
    child = library.child(tree, label)
    return [] if child is None else [child, *child.slices.values()]


def _extension(tree: Tree, url: str, library: Library) -> Iterable[Tree]:
    child = tree.children.get("extension")
    for one in child.slices.values() if child is not None else ():
        if any(url in kind.profiles for kind in one.rule.types) or one.rule.slice == url:
            return [one]
    found = library.tree(url)
    return [found] if found is not None else []
