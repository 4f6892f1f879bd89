"""A value as it stands in a search parameter (R4 search 3.1.1.4.0.1): separators that belong to the value are escaped."""

from __future__ import annotations

import re

_SEPARATORS = re.compile(r"([\\|,$])")


def escape(text: str) -> str:
    return _SEPARATORS.sub(r"\\\1", text)
