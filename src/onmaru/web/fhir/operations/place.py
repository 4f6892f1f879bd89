"""Where the next page of an operation begins: an opaque token, pinned to the first page's position like a search's."""

from __future__ import annotations

import base64
import binascii

import msgspec

from onmaru.fhir.outcome import invalid


class Place(msgspec.Struct, frozen=True, array_like=True):
    """`t` and `began`: see `kernel.cursor.Cursor`. `stage`: which of the operation's searches; `cursor`: where within it.

    `outer`: the cursor behind the patient whose turn it is, `patient` that patient ("": nobody's turn yet).
    """

    t: int
    began: int
    stage: int = 0
    cursor: str = ""
    outer: str = ""
    patient: str = ""


def write(place: Place) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(place)).decode().rstrip("=")


def read(text: str) -> Place:
    """Raises Invalid 400 for what is no token of ours; what its cursors say is judged where they are used."""
    try:
        found = msgspec.msgpack.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=Place)
    except (ValueError, binascii.Error, msgspec.MsgspecError) as error:
        raise invalid("value", "not a paging token of this server", "_cursor") from error
    if found.t < 0 or found.stage < 0:
        raise invalid("value", "paging token out of range", "_cursor")
    return found
