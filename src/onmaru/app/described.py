"""What msgspec learns of a Struct at its first use, learnt of all of them before there is a second thread.

Two threads that first use one Struct, or one within another, at the same time end the process (decision 0175).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import msgspec

from onmaru.fhir import structs


def describe() -> int:
    """Have every Struct of ours that is loaded read once; how many those are. FHIR's own are made under a lock of theirs."""
    count = 0
    for struct in _loaded(msgspec.Struct):
        # A Struct that holds what is no data, such as a function, is never decoded
        with contextlib.suppress(TypeError, NameError):
            msgspec.json.Decoder(struct)
        count += 1
    return count


def _loaded(above: type) -> Iterator[type]:
    below: list[type] = above.__subclasses__()
    for struct in below:
        if struct.__module__.startswith("onmaru.") and struct.__module__ != structs.__name__:
            yield struct
        yield from _loaded(struct)
