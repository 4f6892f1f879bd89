"""Users and the grants (tokens, sessions) that act for them. A secret is never kept, only a hash of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import msgspec

from onmaru.kernel.caller import Role
from onmaru.kernel.clients import Client
from onmaru.kernel.tenancy import Tenancy

# What a user may be called
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@\-]{0,63}")
NAMED = "a user name has 1 to 64 letters, digits and . _ @ -"


class User(msgspec.Struct, frozen=True):
    """One person or machine of one tenant. `patient` is the Patient id that the role patient is bound to.

    `password` is an argon2id hash in PHC form, "" where the user cannot log in with one. `disabled` ends every grant.
    `totp` is the secret of the second step ("" none), `totp_new` one not confirmed yet, `totp_step` the last step used,
    `recovery` the keyed hashes of recovery codes.
    """

    tenant: str
    user: str
    name: str
    roles: tuple[Role, ...]
    password: str = ""
    patient: str = ""
    language: Literal["ko", "en"] = "ko"
    disabled: bool = False
    totp: bytes = b""
    totp_new: bytes = b""
    totp_step: int = 0
    recovery: tuple[bytes, ...] = ()


class Grant(msgspec.Struct, frozen=True):
    """A token or a session: whoever presents its secret acts as its user. Times are µs since 1970 UTC.

    The other kinds open nothing themselves: a `code` and a `refresh` are exchanged for a token, a `launch` hands an app its
    context, a `visit` is somebody at the log-in of an app, an `invite` lets apps register themselves. `client` is the app
    that a grant was made for, which `scopes` always limit, `family` what it shares with all that came of one consent,
    `patient` the Patient that its patient scopes mean, `detail` what its kind has to remember (JSON).

    `key` is the keyed hash of the secret. `scopes` limits a token below the user's roles ("": no limit). A session ends
    `idle` µs after `seen`. `broken` is the Patient id of a break-glass, until `broken_until`, because of `reason`.
    """

    key: bytes
    kind: Literal["token", "session", "code", "refresh", "launch", "visit", "invite"]
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
    client: str = ""
    family: str = ""
    patient: str = ""
    detail: bytes = b""

    @property
    def limited(self) -> bool:
        """Whether scopes bound it: what no scope speaks of is then closed."""
        return bool(self.scopes or self.client)

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

    def save_grants(self, grants: Sequence[Grant]) -> None:
        """All of them or none."""

    def family(self, tenant: str, family: str) -> Sequence[Grant]:
        """All grants that came of one consent."""

    def client(self, tenant: str, id: str) -> Client | None: ...

    def clients(self, tenant: str) -> Sequence[Client]:
        """All apps of a tenant by id."""

    def save_client(self, client: Client) -> None:
        """Make or replace the app of that tenant and id."""

    def remove_client(self, tenant: str, id: str) -> None:
        """Forget an app and everything it was granted."""

    def once(self, name: bytes, ends: int, now: int) -> bool:
        """Whether `name` is new since it last ended; from now on it is not, until `ends`."""

    def kept(self, name: str, make: Callable[[], bytes]) -> bytes:
        """What is kept under a name; made on first use."""

    def sweep(self, before: int) -> None:
        """Forget what apps were granted and has ended before that time."""

    def tenancy(self, tenant: str) -> Tenancy | None: ...

    def tenancies(self) -> Sequence[Tenancy]:
        """All that are kept, by tenant."""

    def save_tenancy(self, tenancy: Tenancy) -> None:
        """Make or replace that of its tenant."""

    def remove_tenant(self, tenant: str) -> None:
        """Forget a tenant's users, grants, apps and kept secrets, so that none of it can be read again; not its tenancy."""

    def close(self) -> None:
        """Let go of where they are kept."""
