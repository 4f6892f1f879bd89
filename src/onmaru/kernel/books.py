"""The house's own books within the record: marks of loads, originals of messages, dead letters and jobs.

Their one law: who works the doors writes them and nobody else does, for what they say is believed without asking again.
"""

from __future__ import annotations

from onmaru.fhir.keys import Keys
from onmaru.kernel.caller import Caller, Role

# Who works the doors: the house itself, and who mends and replays what a door refused.
KEEPERS: frozenset[Role] = frozenset({"system", "data-manager"})
# The coding systems by which the house finds its own books again
SYSTEMS = frozenset(f"urn:onmaru:{name}" for name in ("document", "file", "message", "task", "job"))
TYPES = frozenset({"DocumentReference", "Task"})
# The mark of a load names what it made: of how many patients, nobody can tell
MARK = ("urn:onmaru:document", "load")


def may_keep(caller: Caller, type: str, keys: Keys) -> bool:
    """Whether `caller` may write a resource with these keys, or write over one that has them."""
    return type not in TYPES or not caller.roles.isdisjoint(KEEPERS) or not is_book(type, keys)


def is_book(type: str, keys: Keys) -> bool:
    """Whether a resource with these keys is one of the house's books."""
    return type in TYPES and any(system in SYSTEMS for _, system, _ in keys.token)


def is_mark(type: str, keys: Keys) -> bool:
    """Whether it is the mark of a load."""
    return type == "DocumentReference" and any((system, code) == MARK for _, system, code in keys.token)
