"""What was heard of a v2 message beforehand, in a process of its own: plain data, no more than the message itself says.

Its one law: whoever writes takes it only where it comes to the same as reading the message on the spot.
"""

from __future__ import annotations

import msgspec

from onmaru.adapters.hl7v2.finding import Number
from onmaru.kernel.errand import Admitted


class Words(msgspec.Struct, frozen=True, gc=False):
    """What a message says of a resource: see Resource."""

    name: str
    key: str
    holder: str
    born: str
    said: bytes


class Resource(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A resource that the message speaks of, as `emit.Draft` has it.

    `id` is the one it gets if it is new. `said` is JSON: [elements, emptied, filled, event]. `found_by`: all numbers that
    it will be found by if it is new. `ready`: it was made ready as a new one.
    """

    name: str
    type: str
    id: str
    numbers: list[Number]
    key: str
    holder: str
    born: str
    said: bytes
    found_by: list[Number]
    ready: bool

    @property
    def reference(self) -> str:
        return f"{self.type}/{self.id}"


class Heard(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One message. `at` is when it was said; `reply` its AA up to and after MSH-7; `places` of fields that hold no time.

    `bodies` are a MessagePack list of Admitted: the resources that are ready, in their order, the message's own document
    and its Provenance. In them each resource is called by the id it gets if it is new.
    """

    type: str
    event: str
    digest: str
    control: str
    number: Number
    at: str
    places: list[str]
    reply: tuple[bytes, bytes]
    resources: list[Resource]
    document: str
    bodies: bytes


_encode = msgspec.msgpack.Encoder().encode
_bodies = msgspec.msgpack.Decoder(list[Admitted])


def packed(bodies: list[Admitted]) -> bytes:
    """See `Heard.bodies`."""
    return _encode(bodies)


def unpacked(bodies: bytes, found: dict[str, str]) -> list[Admitted] | None:
    """The bodies with ids exchanged for those of `found` resources; None where their lengths differ.

    The ids are random and of our own making, so that nothing else in the bodies can be taken for one.
    """
    for id, other in found.items():
        old, new = id.encode(), other.encode()
        if len(old) != len(new):
            return None
        bodies = bodies.replace(old, new)
    return _bodies.decode(bodies)
