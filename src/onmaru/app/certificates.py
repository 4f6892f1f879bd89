"""The certificates that this house shows, from files that somebody else renews; a broken pair never replaces a good one."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from onmaru.app.refusal import Refusal
from onmaru.app.settings import Chosen
from onmaru.web.server import Certificate

LOOK_EVERY = 30.0
log = logging.getLogger("onmaru")
Stamp = tuple[tuple[int, int, int], ...]


def certificate(found: Mapping[str, Chosen]) -> Certificate | None:
    """What the settings name for HTTP; None where they name nothing. Refuses half a pair, and one that does not fit."""
    chain, key = (str(found[name].value) for name in ("tls_certificate", "tls_key"))
    if not chain and not key:
        return None
    if not chain or not key:
        raise Refusal("TLS needs both settings, tls_certificate and tls_key")
    pair = Certificate(Path(chain).expanduser(), Path(key).expanduser())
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*pair)
    except (OSError, ssl.SSLError) as error:
        raise Refusal(f"tls_certificate and tls_key: {error.strerror or type(error).__name__}") from error
    return pair


def shown_anew(context: ssl.SSLContext, pair: Certificate) -> None:
    """Have a listener's context show what the files hold now; raises, and stays, where they do not fit."""
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*pair)
    context.load_cert_chain(*pair)


class Renewing:
    """Calls `taken` when the files of a pair have changed; what it raises leaves the old pair in place and is told of."""

    def __init__(self, pair: Certificate, taken: Callable[[], None], every: float = LOOK_EVERY) -> None:
        self._pair, self._taken, self._every = pair, taken, every
        self._seen = stamp(pair)
        self._task = asyncio.create_task(self._look())

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            here = stamp(self._pair)
            if here == self._seen or not here:
                continue
            try:
                self._taken()
            except (OSError, ssl.SSLError) as error:
                # Half of a renewal: the other file comes yet, and then they are looked at again
                log.error("a renewed certificate cannot be used: %s", type(error).__name__)
            else:
                log.info("a renewed certificate is in use")
            self._seen = here

    async def close(self) -> None:
        """Look no more."""
        self._task.cancel()


def stamp(files: Sequence[Path]) -> Stamp:
    """What changes when a file does, links followed; () while one of them is not there."""
    try:
        found = [path.stat() for path in files]
    except OSError:
        return ()
    return tuple((one.st_ino, one.st_mtime_ns, one.st_size) for one in found)
