"""Known devices: who once logged in from a browser keeps a mark there. It opens nothing; it only keeps others' wrong
passwords from locking this user out (OWASP, "Slow Down Online Guessing Attacks with Device Cookies")."""

from __future__ import annotations

import hmac
import secrets
from hashlib import blake2b

_NAME = b"onmaru/name"
_MARK = b"onmaru/mark"


class Devices:
    """Marks under `key` (32 bytes) that stand for `lasts` µs. Nothing is kept here: a mark carries its own proof."""

    def __init__(self, key: bytes, lasts: int) -> None:
        self._key = key
        self.lasts = lasts

    def slot(self, tenant: str, user: str) -> str:
        """Where a browser keeps this user's mark: 16 hex digits that do not tell the user's name."""
        return blake2b(_line(tenant, user), key=self._key, person=_NAME, digest_size=8).hexdigest()

    def mark(self, tenant: str, user: str, now: int) -> str:
        """A new mark for a user whose password was right at `now`, in µs."""
        body = f"{now:x}.{secrets.token_hex(16)}"
        return f"{body}.{self._proof(tenant, user, body)}"

    def known(self, tenant: str, user: str, mark: str, now: int) -> str:
        """The name of the device that the mark stands for; "" when it is not this user's, forged or too old."""
        body, _, proof = mark.rpartition(".")
        if len(mark) > 200 or not mark.isascii() or not hmac.compare_digest(proof, self._proof(tenant, user, body)):
            return ""
        began, _, device = body.partition(".")
        return device if now < int(began, 16) + self.lasts else ""

    def _proof(self, tenant: str, user: str, body: str) -> str:
        return blake2b(_line(tenant, user, body), key=self._key, person=_MARK, digest_size=32).hexdigest()


def _line(*parts: str) -> bytes:
    return "\0".join(parts).encode("utf-8", "surrogatepass")
