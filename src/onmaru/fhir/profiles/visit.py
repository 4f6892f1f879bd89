"""One validation under way: what it knows, what it found, and what it has looked at already."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any, Literal

from onmaru.fhir.fhirpath import Compiled, Environment, Node, root
from onmaru.fhir.fhirpath.run import Run
from onmaru.fhir.outcome import Issue, Severity
from onmaru.fhir.profiles.library import Library

Language = Literal["ko", "en"]
Check = Callable[[Node, "Visit"], None]
# Reads the resource that a literal reference names, None where it cannot
Resolver = Callable[[str], Any]
# Runs the plan of a profile on a node: False where the profile is not known
Runner = Callable[["Visit", Node, str], bool]
MOST = 1000
"""Problems told of one resource."""
STEPS = 20_000_000
"""Steps of FHIRPath that all expressions of one validation may take; a bundle of 500 resources takes some 50,000."""


@cache
def strings(language: Language) -> dict[str, str]:
    """Every message by its key."""
    text = resources.files("onmaru.fhir.profiles").joinpath(f"strings.{language}.toml").read_text("utf-8")
    return tomllib.loads(text)


class Enough(Exception):
    """So many problems were found that no more are looked for, or the first where only that counts."""


class Exhausted(Exception):
    """The expressions took all the steps that one validation may take."""


class Visit:
    """`errors_only`: warnings and notes are not looked for. `profiled` False: R4's own rules alone."""

    def __init__(self, library: Library, environment: Environment, runner: Runner, language: Language = "en") -> None:
        self.library = library
        self.environment = environment
        self.language: Language = language
        self.errors_only = False
        self.profiled = True
        self.resolver: Resolver | None = None
        self.found: dict[Issue, None] = {}
        self._runner = runner
        self._seen: set[tuple[Node, str]] = set()
        self._conforms: dict[tuple[Node, str], bool | None] = {}
        self._addresses: dict[str, Node] | None = None
        self._first = False
        self.left = STEPS

    def evaluate(self, expression: Compiled, node: Node) -> list[Any]:
        """What an expression gives on a node, paid for by the validation. Raises PathError, Exhausted."""
        run = Run([node], self.environment)
        run.left = before = min(run.left, self.left)
        try:
            return expression.within(run)
        finally:
            self.left -= before - run.left
            if self.left <= 0:
                raise Exhausted

    def report(self, severity: Severity, code: str, path: str, key: str, /, **parts: Any) -> None:
        """Note a problem at a path; the same one at the same place is told once."""
        if self._first:
            if severity == "error":
                raise Enough
            return
        if self.errors_only and severity != "error":
            return
        self.found[Issue(code, strings(self.language)[key].format_map(parts), path, severity)] = None
        if len(self.found) >= MOST:
            raise Enough

    def profile(self, node: Node, url: str) -> bool:
        """Check a node against a profile, once. False where the profile is not known."""
        if not self._first:
            if (node, url) in self._seen:
                return True
            self._seen.add((node, url))
        return self._runner(self, node, url)

    def conforms(self, node: Node, url: str) -> bool | None:
        """Whether a node conforms, None where the profile is not known. What is being asked already counts as yes."""
        asked = (node, url)
        if asked not in self._conforms:
            self._conforms[asked] = True
            self._conforms[asked] = self.quietly(lambda: self._runner(self, node, url))
        return self._conforms[asked]

    def quietly(self, run: Callable[[], bool]) -> bool | None:
        """True where `run` finds no error, False where it does, None where it answers that it cannot tell."""
        outer, self._first = self._first, True
        try:
            return True if run() else None
        except Enough:
            return False
        finally:
            self._first = outer

    def target(self, node: Node, reference: str) -> Node | None:
        """The resource that a literal reference leads to: contained, in the same Bundle, or by the resolver."""
        holder = _holder(node)
        if reference.startswith("#"):
            return _contained(holder, reference[1:])
        addresses = self.addresses(node.root)
        base = _base_of(holder)
        found = addresses.get(reference) or (addresses.get(f"{base}/{reference}") if base else None)
        if found is None and self.resolver is not None:
            data = self.resolver(reference)
            return None if data is None else root(data)
        return found

    def addresses(self, outer: Node) -> dict[str, Node]:
        """fullUrl → resource of the outermost Bundle; relative names too where there is no base."""
        if self._addresses is None:
            self._addresses = {}
            if outer.type == "Bundle":
                for entry in children(outer, "entry"):
                    url = entry.data.get("fullUrl")
                    for resource in children(entry, "resource") if url else ():
                        self._addresses.setdefault(url, resource)
        return self._addresses


def children(node: Node, label: str) -> list[Node]:
    """The children of a node by label."""
    found: list[Node] = []
    node.add(label, found)
    return found


def _holder(node: Node) -> Node:
    while node.parent is not None and not (isinstance(node.data, dict) and "resourceType" in node.data):
        node = node.parent
    return node


def _contained(holder: Node, name: str) -> Node | None:
    while holder.label == "contained" and holder.parent is not None:
        holder = holder.parent
    if not name:
        return holder
    return next((one for one in children(holder, "contained") if one.data.get("id") == name), None)


def _base_of(holder: Node) -> str:
    while holder.label == "contained" and holder.parent is not None:
        holder = holder.parent
    entry = holder.parent
    url = entry.data.get("fullUrl") if entry is not None else None
    return url.rsplit("/", 2)[0] if isinstance(url, str) and url.startswith("http") else ""
