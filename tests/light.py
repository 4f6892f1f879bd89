"""What every process of the tests does more lightly than a served house, and why no test loses by it."""

from __future__ import annotations

from argon2 import PasswordHasher

from onmaru.kernel import password


def lighten() -> None:
    """A hash is as dear as RFC 9106 asks in the one test of that (test_login.py); elsewhere a password is one fact among
    others."""
    password._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
