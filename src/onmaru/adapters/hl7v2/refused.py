"""A refusal of a v2 message: what the acknowledgement says, and where in the message the reason lies."""

from __future__ import annotations

from typing import Literal

# HL7 table 0357, as published in the code system http://terminology.hl7.org/CodeSystem/v2-0357
SEQUENCE = "100"
REQUIRED = "101"
DATA_TYPE = "102"
NOT_FOUND = "103"
MESSAGE_TYPE = "200"
PROCESSING_ID = "202"
VERSION = "203"
UNKNOWN_KEY = "204"
INTERNAL = "207"


class Refused(ValueError):
    """`ack` AE (this message's content) or AR (type, version, sender); `location` as ERR-2: SEG^sequence^field.

    The text names no value of the message.
    """

    def __init__(self, ack: Literal["AE", "AR"], code: str, text: str, location: str = "") -> None:
        super().__init__(text)
        self.ack: Literal["AE", "AR"] = ack
        self.code = code
        self.text = text
        self.location = location
