"""Finds the route of a path by its parts, without regular expressions: literal parts win over `{name}` parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from onmaru.fhir.outcome import invalid

T = TypeVar("T")


class MethodRefused(Exception):
    """The path exists, but not with this method (405); `allowed` are those it has."""

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__("method not allowed")
        self.allowed = tuple(sorted(allowed))


class Router(Generic[T]):
    """A tree of path parts; each leaf has one target a method."""

    def __init__(self) -> None:
        self._root = _Node[T]()

    def add(self, method: str, template: str, target: T) -> None:
        """Register `/a/{name}/b`; the same method and path twice is a ValueError."""
        node = self._root
        names = []
        for part in template.strip("/").split("/"):
            if part.startswith("{") and part.endswith("}"):
                names.append(part[1:-1])
                node.wild = node.wild or _Node[T]()
                node = node.wild
            else:
                node = node.literal.setdefault(part, _Node[T]())
        if method in node.targets:
            raise ValueError(f"two routes for {method} {template}")
        node.targets[method] = (target, tuple(names))

    def find(self, method: str, path: str) -> tuple[T, Mapping[str, str]]:
        """The target and the values of the named parts; Invalid 404, or MethodRefused. HEAD is served as GET."""
        values: list[str] = []
        node = self._walk(self._root, path.strip("/").split("/"), 0, values)
        if node is None:
            raise invalid("not-found", "no such address", status=404)
        wanted = "GET" if method == "HEAD" and "HEAD" not in node.targets else method
        if wanted not in node.targets:
            raise MethodRefused([*node.targets])
        target, names = node.targets[wanted]
        return target, dict(zip(names, values, strict=True))

    def _walk(self, node: _Node[T], parts: Sequence[str], at: int, values: list[str]) -> _Node[T] | None:
        if at == len(parts):
            return node if node.targets else None
        literal = node.literal.get(parts[at])
        found = self._walk(literal, parts, at + 1, values) if literal is not None else None
        if found is not None or node.wild is None or not parts[at]:
            return found
        values.append(parts[at])
        found = self._walk(node.wild, parts, at + 1, values)
        if found is None:
            values.pop()
        return found


class _Node(Generic[T]):
    __slots__ = ("literal", "targets", "wild")

    def __init__(self) -> None:
        self.literal: dict[str, _Node[T]] = {}
        self.wild: _Node[T] | None = None
        self.targets: dict[str, tuple[T, tuple[str, ...]]] = {}
