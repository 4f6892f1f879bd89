"""The second step of a log-in: time-based codes (RFC 6238) and recovery codes, each of which is right once."""

from __future__ import annotations

import hmac
import secrets
from base64 import b32encode
from urllib.parse import quote, urlencode

import msgspec
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

from onmaru.kernel.accounts import User
from onmaru.kernel.login import Logins

# RFC 6238, 4.1 and 5.2: steps of 30 s, and one step before and after for clocks that differ; RFC 4226, 4: 160-bit secrets
STEP = 30_000_000
SLACK = 1
DIGITS = 6
RECOVERY = 10


def begin(logins: Logins, user: User) -> tuple[User, str, str]:
    """A new secret, which counts only once a code of it was shown: the user, the secret and its address for an app's QR."""
    fresh = secrets.token_bytes(20)
    kept = msgspec.structs.replace(user, totp_new=fresh)
    logins.keep_user(kept)
    written = b32encode(fresh).decode()
    parts = urlencode({"secret": written, "issuer": "Onmaru", "period": 30, "digits": DIGITS}, quote_via=quote)
    return kept, written, f"otpauth://totp/{quote(f'Onmaru:{user.user}@{user.tenant}')}?{parts}"


def confirm(logins: Logins, user: User, code: str) -> tuple[str, ...] | None:
    """Make the new secret count: the recovery codes, shown once; None when the code is not its own."""
    step = _step(user.totp_new, code, logins.now(), 0)
    if not step:
        return None
    codes = tuple(f"{secrets.token_hex(4)}-{secrets.token_hex(4)}" for _ in range(RECOVERY))
    hashed = tuple(logins.hash(f"recovery {one}") for one in codes)
    logins.keep_user(msgspec.structs.replace(user, totp=user.totp_new, totp_new=b"", totp_step=step, recovery=hashed))
    return codes


def proves(logins: Logins, user: User, code: str) -> bool:
    """Whether a code is right now. It never is again: a time code by its step, a recovery code by being struck out."""
    given = code.strip().replace(" ", "")
    step = _step(user.totp, given, logins.now(), user.totp_step)
    if step:
        logins.keep_user(msgspec.structs.replace(user, totp_step=step))
        return True
    hashed = logins.hash(f"recovery {given.lower()}")
    left = tuple(one for one in user.recovery if not hmac.compare_digest(one, hashed))
    if len(left) == len(user.recovery):
        return False
    logins.keep_user(msgspec.structs.replace(user, recovery=left))
    return True


def end(logins: Logins, user: User) -> None:
    """Ask this user for a password alone from now on."""
    logins.keep_user(msgspec.structs.replace(user, totp=b"", totp_new=b"", totp_step=0, recovery=()))


def _step(secret: bytes, code: str, now: int, last: int) -> int:
    """The step whose code that is, later than the last one that was used; 0 when it is none."""
    if not secret or len(code) != DIGITS or not (code.isascii() and code.isdecimal()):
        return 0
    making = HOTP(secret, DIGITS, SHA1())  # noqa: S303 - RFC 6238, 1.2: what authenticator apps know
    here = now // STEP
    for step in range(here - SLACK, here + SLACK + 1):
        if step > last and hmac.compare_digest(making.generate(step), code.encode()):
            return step
    return 0
