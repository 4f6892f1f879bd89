"""Users and the grants (tokens, sessions) that act for them. A secret is never kept, only a hash of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from onmaru.kernel.caller import Role


class User(msgspec.Struct, frozen=True):
    """One person or machine of one tenant. `patient` is the Patient id that the role patient is bound to.

    `password` is an argon2id hash in PHC form, "" where the user cannot log in with one. `disabled` ends every grant.
    """

    tenant: str
    user: str
    name: str
    roles: tuple[Role, ...]
    password: str = ""
    patient: str = ""
    language: Literal["ko", "en"] = "ko"
    disabled: bool = False


class Grant(msgspec.Struct, frozen=True):
    """A token or a session: whoever presents its secret acts as its user. Times are µs since 1970 UTC.

    `key` is the keyed hash of the secret. `scopes` limits a token below the user's roles ("": no limit). A session ends
    `idle` µs after `seen`. `broken` is the Patient id of a break-glass, until `broken_until`, because of `reason`.
    """

    key: bytes
    kind: Literal["token", "session"]
    tenant: str
    user: str
    created: int
    expires: int
    scopes: str = ""
    label: str = ""
    revoked: bool = False
    seen: int = 0
    idle: int = 0
    csrf: str = ""
    broken: str = ""
    broken_until: int = 0
    reason: str = ""

    def stands(self, now: int) -> bool:
        """Whether it is neither revoked nor expired nor left idle at `now`."""
        return not self.revoked and now < self.expires and (not self.idle or now < self.seen + self.idle)


class Accounts(Protocol):
    """Where users and grants are kept, of all tenants. A save is durable when it returns."""

    def user(self, tenant: str, user: str) -> User | None: ...

    def users(self, tenant: str) -> Sequence[User]:
        """All users of a tenant by user name."""

    def save_user(self, user: User) -> None:
        """Make or replace the user of that tenant and name."""

    def grant(self, key: bytes) -> Grant | None: ...

    def grants(self, tenant: str, user: str) -> Sequence[Grant]:
        """All grants of one user, newest first."""

    def save_grant(self, grant: Grant) -> None:
        """Make or replace the grant of that key."""

    def close(self) -> None:
        """Let go of where they are kept."""
