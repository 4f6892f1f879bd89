"""Attachments from HL7 v2 data types ED and RP: bytes in the message, and references to bytes elsewhere."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from onmaru.adapters.hl7v2.er7 import Repetition


def attachment(rep: Repetition) -> dict[str, Any] | None:
    """ED: type of data 2, subtype 3, encoding 4, data 5. Data that is not Base64 is encoded."""
    data = rep.c(5)
    if not data:
        return None
    main, sub = rep.c(2).lower(), rep.c(3).lower()
    kinds = {
        "im": "image",
        "ap": "application",
        "au": "audio",
        "ft": "text",
        "text": "text",
        "tx": "text",
        "si": "text",
    }
    found: dict[str, Any] = {}
    if main:
        kind = kinds.get(main, main)
        sub = sub if re.fullmatch(r"[a-z0-9.+-]+", sub) else "plain" if kind == "text" else "octet-stream"
        found["contentType"] = f"{kind if re.fullmatch(r'[a-z]+', kind) else 'application'}/{sub}"
    found["data"] = _base64(data, rep.c(4).lower())
    return found


def _base64(data: str, encoding: str) -> str:
    if encoding == "base64":
        squeezed = "".join(data.split())
        try:
            base64.b64decode(squeezed, validate=True)
            return squeezed
        except (binascii.Error, ValueError):
            pass
    if encoding == "hex":
        try:
            return base64.b64encode(bytes.fromhex(data)).decode()
        except ValueError:
            pass
    return base64.b64encode(data.encode()).decode()


def pointer(rep: Repetition) -> dict[str, Any] | None:
    """RP: a reference to data elsewhere."""
    where = rep.c(1)
    if not where:
        return None
    found: dict[str, Any] = {
        "url": where if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:\S+\Z", where) else None,
        "title": where,
    }
    if found["url"] is None:
        del found["url"]
    if rep.c(3):
        found["contentType"] = "/".join(part.lower() for part in (rep.c(3), rep.c(4)) if part)
    return found
