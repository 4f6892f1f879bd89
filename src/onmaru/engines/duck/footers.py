"""Files that were asked lately, each with its footer: what never changes is decrypted and parsed once, not by each query.

Its one law: a file is remembered by its name, which is never given again, and forgotten when it is taken away.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

# A footer takes some 100 KiB of memory where a file has thirty row groups
MOST = 4_096


class Footers:
    """Fragments of Arrow by the name of their file and the type that it is told to be of; `opened` makes one, which reads
    its footer when it is first scanned.
    """

    def __init__(self, opened: Callable[[str, str], Any]) -> None:
        self._opened = opened
        self._known: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, files: Sequence[tuple[str, str]]) -> list[Any]:
        """The files of these names and types, in that order."""
        with self._lock:
            found = [self._one(file) for file in files]
            while len(self._known) > MOST:
                self._known.popitem(last=False)
        return found

    def _one(self, file: tuple[str, str]) -> Any:
        fragment = self._known.pop(file, None) or self._opened(*file)
        self._known[file] = fragment
        return fragment

    def forget(self, names: Iterable[str]) -> None:
        """The files are taken away."""
        gone = frozenset(names)
        with self._lock:
            for file in [file for file in self._known if file[0] in gone]:
                del self._known[file]
