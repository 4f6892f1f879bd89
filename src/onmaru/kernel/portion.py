"""The part of a chart that a provision of a Consent speaks of, judged on one resource: it is in it, it is not, or unknown.

Its one law: what is unknown falls under a denial and under no permission.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import msgspec

from onmaru.fhir import references
from onmaru.fhir.keys import Keys
from onmaru.kernel.labels import Coding, meanings
from onmaru.kernel.log import Version


class Thing:
    """One version as consents see it. `labels` are those it is treated by (kernel/labels.py)."""

    def __init__(self, version: Version, keys: Callable[[Version], Keys], labels: Sequence[Coding]) -> None:
        self.version = version
        self.labels = labels
        self._keys = keys

    @cached_property
    def keys(self) -> Keys:
        """Its search keys."""
        return self._keys(self.version)

    @cached_property
    def codes(self) -> frozenset[Coding]:
        """Every coding in the body, and each once more without its system."""
        return frozenset(_codings(msgspec.json.decode(self.version.body or b"null")))

    @cached_property
    def names(self) -> frozenset[str]:
        """`Type/id` of all that it refers to, and of itself."""
        version = self.version
        named = references.targets(version.body, version.type) if version.body is not None else ()
        return frozenset({version.name, *map("/".join, named)})


def _codings(value: Any) -> Iterator[Coding]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            code = one.get("code")
            if isinstance(code, str):
                yield str(one.get("system", "")), code
                yield "", code
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


class Part(msgspec.Struct, frozen=True):
    """Which data. Empty fields mean any; `unread`: names of the fields in which something stands that is not judged.

    `period` is [start, end) in µs since 1970 UTC, `instances` and `dependents` are `Type/id`. `least` and `most` bound the
    confidentiality: a denial means its label and higher, a permission its label and lower.
    """

    types: frozenset[str] = frozenset()
    codes: frozenset[Coding] = frozenset()
    classes: frozenset[Coding] = frozenset()
    least: int | None = None
    most: int | None = None
    period: tuple[int, int] | None = None
    instances: frozenset[str] = frozenset()
    dependents: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()

    @property
    def by_type(self) -> bool:
        """Whether the type of a resource alone decides."""
        others = (self.codes, self.classes, self.instances, self.dependents, self.unread - {"class"})
        return not any(others) and self.least is None and self.most is None and self.period is None

    def holds(self, thing: Thing | None, type: str) -> bool | None:
        """Whether a resource is of this part; None: unknown. Of a `thing` that is None nothing but the type is known."""
        found: bool | None = True
        for judge in (self._type, self._code, self._label, self._time, self._name):
            said = judge(thing, type)
            if said is False:
                return False
            found = None if said is None else found
        return found

    def _type(self, thing: Thing | None, type: str) -> bool | None:
        return self._any(type in self.types, self.types, "class")

    def _code(self, thing: Thing | None, type: str) -> bool | None:
        if not self.codes and "code" not in self.unread:
            return True
        if thing is None or thing.version.body is None:
            return None
        return self._any(not self.codes.isdisjoint(thing.codes), self.codes, "code")

    def _label(self, thing: Thing | None, type: str) -> bool | None:
        if not (self.classes or "securityLabel" in self.unread) and self.least is None and self.most is None:
            return True
        return None if thing is None else self._labelled(thing.labels)

    def _labelled(self, labels: Sequence[Coding]) -> bool | None:
        known = meanings()
        if self.most is not None and known.highest(labels) > self.most:
            return False
        if self.least is not None and known.highest(labels) >= self.least:
            return True
        kinds = {known.kind(one) or one for one in labels}
        if not self.classes:
            return self._any(self.most is not None, self.classes or ("confidentiality",), "securityLabel")
        if any(not known.within(one).isdisjoint(kinds) for one in self.classes):
            return True
        # A class above the one that is meant may be that very one
        broader = any(one in known.within(kind) for kind in kinds for one in self.classes)
        return None if broader or "securityLabel" in self.unread else False

    def _time(self, thing: Thing | None, type: str) -> bool | None:
        if self.period is None:
            return True
        if thing is None or thing.version.body is None or not thing.keys.date:
            return None
        start, end = self.period
        if all(start <= low and high <= end for _, low, high in thing.keys.date):
            return True
        return None if any(low < end and start < high for _, low, high in thing.keys.date) else False

    def _name(self, thing: Thing | None, type: str) -> bool | None:
        if not (self.instances or self.dependents or "data" in self.unread):
            return True
        if thing is None:
            return None
        here = thing.version.name in self.instances or not self.dependents.isdisjoint(thing.names)
        if not here and self.dependents and thing.version.body is None:
            return None
        return self._any(here, ("data",), "data")

    def _any(self, found: bool, asked: Iterable[object], field: str) -> bool | None:
        """What one field says: its values are alternatives, of which some may be unread."""
        if found or not (asked or field in self.unread):
            return True
        return None if field in self.unread else False


EVERYTHING = Part()


class Ruling(msgspec.Struct, frozen=True):
    """What a provision says to one caller at one time, by the data it speaks of. Not `sure`: perhaps not to this one."""

    deny: bool
    part: Part = EVERYTHING
    exceptions: tuple[Ruling, ...] = ()
    sure: bool = True

    @property
    def parted(self) -> bool:
        """Whether what it says hangs on the data."""
        return self.part != EVERYTHING or any(one.parted for one in self.exceptions)

    @property
    def by_type(self) -> bool:
        """Whether the type of a resource alone decides."""
        return self.part.by_type and all(one.by_type for one in self.exceptions)

    @property
    def hiding(self) -> bool:
        """Whether it denies anything at all."""
        return self.deny or any(one.hiding for one in self.exceptions)

    def says(self, thing: Thing | None, type: str) -> bool | None:
        """True: denied, False: permitted, None: not spoken of. Exceptions win, and among them denials."""
        here = self.part.holds(thing, type)
        if here is False:
            return None
        inner = {one.says(thing, type) for one in self.exceptions}
        said = True if True in inner else False if False in inner else self.deny
        if here is None or not self.sure:
            return True if said else None
        return said


def denied(rulings: Sequence[Ruling], thing: Thing | None, type: str) -> bool:
    """Whether one of several Consents' rulings denies a resource."""
    return any(one.says(thing, type) for one in rulings)
