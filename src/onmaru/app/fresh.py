"""Fresh logical ids. It imports nothing heavy: processes that only read messages and files need no more of the house."""

from __future__ import annotations

import os
import time


def new_id() -> str:
    """A fresh logical id: UUID version 7 (RFC 9562), so that ids made together lie together in the index."""
    milliseconds = time.time_ns() // 1_000_000
    random = os.urandom(10).hex()
    variant = "89ab"[int(random[3], 16) & 3]
    stamp = f"{milliseconds:012x}"
    return f"{stamp[:8]}-{stamp[8:]}-7{random[:3]}-{variant}{random[4:7]}-{random[7:19]}"
