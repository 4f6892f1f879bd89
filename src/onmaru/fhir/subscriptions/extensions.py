"""Extensions as the subscriptions' guide uses them: an url, one value, or extensions within."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
# The guide's own examples write R5's elements with either release's name
_CROSS = re.compile(r"http://hl7\.org/fhir/(?:4\.3|5\.0)/StructureDefinition/extension-SubscriptionTopic\.(\w{1,40})")


class Coding(msgspec.Struct, frozen=True):
    system: str = ""
    code: str = ""


class Extension(msgspec.Struct, frozen=True):
    """The values that the guide uses; `word` is whichever text there is."""

    url: str = ""
    extension: Sequence[Extension] = ()
    valueString: str = ""
    valueUri: str = ""
    valueUrl: str = ""
    valueCanonical: str = ""
    valueCode: str = ""
    valueMarkdown: str = ""
    valueBoolean: bool = False
    valueUnsignedInt: int = 0
    valuePositiveInt: int = 0
    valueCoding: Coding | None = None

    @property
    def word(self) -> str:
        """The text of the value, whatever its type."""
        return self.valueString or self.valueUri or self.valueCanonical or self.valueCode or self.valueUrl

    @property
    def number(self) -> int:
        """The whole number of the value, whatever its type."""
        return self.valueUnsignedInt or self.valuePositiveInt


class Extended(msgspec.Struct, frozen=True):
    """The sibling of a primitive: `_criteria`."""

    extension: Sequence[Extension] = ()


def named(found: Sequence[Extension], name: str) -> Iterator[Extension]:
    """The extensions of one name: an element of R5's SubscriptionTopic, one of the guide's, or a part of another."""
    for one in found:
        cross = _CROSS.fullmatch(one.url)
        if (cross[1] if cross else one.url.removeprefix(BACKPORT)) == name:
            yield one


def first(found: Sequence[Extension], name: str) -> Extension:
    """The first of that name, or an empty one."""
    return next(named(found, name), Extension())
