"""Passwords as argon2id hashes (RFC 9106). Checking an unknown user costs the same as a known one."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from onmaru.fhir.outcome import invalid

SHORTEST, LONGEST = 8, 1_024
# RFC 9106 section 4, second recommended option: 64 MiB, 3 passes, 4 lanes
_hasher = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)


def hash_of(password: str) -> str:
    """The PHC string to keep. Refused with 422 when shorter than 8 or longer than 1,024 characters."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise invalid("value", f"a password has {SHORTEST} to {LONGEST} characters", "password", 422)
    return _hasher.hash(password)


def holds(kept: str, password: str) -> bool:
    """Whether the password belongs to the kept hash; with "" kept, the same work is done and the answer is False."""
    try:
        return _hasher.verify(kept or _nobody(), password[: LONGEST + 1]) and bool(kept)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    return _hasher.hash("nobody's password")
