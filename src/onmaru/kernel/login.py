"""From a secret to a Caller: log-in, sessions, tokens, break-glass. A secret opens what its user's roles do, never more."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel import access, password, scope
from onmaru.kernel.accounts import Accounts, Grant, User
from onmaru.kernel.caller import Caller, Purpose, Role, Scope
from onmaru.kernel.device import Devices
from onmaru.kernel.guessing import Guessing, Try

SECOND = 1_000_000
# Kinds of grants that open the record to whoever presents their secret
OPENING = frozenset({"token", "session"})
MINUTE = 60 * SECOND


class Lifetimes(msgspec.Struct, frozen=True):
    """How long things last, in µs. `fresh`: how long a grant read from the store is trusted before it is read again."""

    session: int = 12 * 60 * MINUTE
    idle: int = 30 * MINUTE
    token: int = 90 * 24 * 60 * MINUTE
    device: int = 180 * 24 * 60 * MINUTE
    glass: int = 60 * MINUTE
    code: int = 1 * MINUTE
    visit: int = 10 * MINUTE
    launch: int = 5 * MINUTE
    access: int = 60 * MINUTE
    machine: int = 5 * MINUTE
    fresh: int = 1 * SECOND


class Standing(NamedTuple):
    """A grant that stands, its user, and the scopes and purposes that both give."""

    grant: Grant
    user: User
    scopes: tuple[Scope, ...]
    purposes: tuple[Purpose, ...]
    until: int
    roles: frozenset[Role]


class Logins:
    """The only maker of Callers from secrets. `key`: 32 bytes, keys the hashes of secrets. `now`: µs since 1970 UTC."""

    def __init__(
        self,
        accounts: Accounts,
        key: bytes,
        now: Callable[[], int],
        table: Mapping[Role, access.Duty] | None = None,
        lifetimes: Lifetimes | None = None,
    ) -> None:
        self.accounts = accounts
        self.now = now
        self.table = table or access.standard()
        self.lifetimes = lifetimes or Lifetimes()
        self._key = key
        self._hash = lru_cache(maxsize=1024)(self._hashed)
        self._standing: dict[bytes, Standing] = {}
        self.devices = Devices(key, self.lifetimes.device)
        self._guessing = Guessing()

    # -- presenting a secret -------------------------------------------------------------------------------------

    def standing(self, secret: str, *, used: bool = True) -> Standing | None:
        """The grant that a token or session secret stands for; None when unknown, revoked, expired, idle or disabled.

        `used`: a session lives on by this; False only asks.
        """
        now = self.now()
        key = self._hash(secret)
        known = self._standing.get(key)
        if known is None or now >= known.until:
            known = self._look_up(key, now)
        if known is None or not known.grant.stands(now):
            return None
        if used and known.grant.idle and now - known.grant.seen > known.grant.idle // 10:
            known = self._keep(msgspec.structs.replace(known.grant, seen=now), known)
        return known

    def caller(self, standing: Standing, asked_purpose: str, request: str, address: str) -> Caller:
        """The Caller of one request. A broken glass makes its purpose BTG and its patient the one whose glass it is."""
        grant, user = standing.grant, standing.user
        if grant.broken and self.now() < grant.broken_until:
            purpose: Purpose = "BTG"
            patient, reason = grant.broken, grant.reason
        else:
            asked = asked_purpose
            purpose = access.purpose_for(asked, user.roles, self.table) if asked else standing.purposes[0]
            patient, reason = grant.patient or user.patient, ""
        return Caller(
            tenant=user.tenant,
            user=user.user,
            roles=standing.roles,
            purpose=purpose,
            scopes=standing.scopes,
            patient=patient,
            reason=reason,
            request=request,
            address=address,
            grant=grant.key,
        )

    def acting(self, user: User, asked_purpose: str) -> Caller:
        """A user as a Caller with all that their roles give, to judge what they would see; it is handed to no door."""
        scopes = _of_one_kind(access.scopes_of(user.roles, self.table), user.patient)
        purpose = access.purpose_for(asked_purpose, user.roles, self.table)
        return Caller(user.tenant, user.user, frozenset(user.roles), purpose, scopes, user.patient)

    def _look_up(self, key: bytes, now: int) -> Standing | None:
        self._standing.pop(key, None)
        grant = self.accounts.grant(key)
        if grant is None or grant.kind not in OPENING:
            return None
        standing = self.stands(grant)
        if standing is None:
            return None
        if len(self._standing) >= 10_000:
            self._standing.clear()
        self._standing[key] = standing
        return standing

    def stands(self, grant: Grant) -> Standing | None:
        """Who acts by a grant of any kind and what it gives now; None when it, its user or its app is no more."""
        now = self.now()
        user = self.accounts.user(grant.tenant, grant.user)
        if user is None or user.disabled or not user.roles or not grant.stands(now):
            return None
        if grant.client and self.accounts.client(grant.tenant, grant.client) is None:
            return None
        scopes = access.scopes_of(user.roles, self.table)
        if grant.limited:
            scopes = scope.narrow(scopes, scope.parse(grant.scopes))
        scopes = _of_one_kind(scopes, grant.patient or user.patient)
        purposes = access.purposes_of(user.roles, self.table)
        return Standing(grant, user, scopes, purposes, now + self.lifetimes.fresh, frozenset(user.roles))

    def behind(self, key: bytes) -> Standing | None:
        """Who stands behind work that was begun by a grant: as `stands`, but that it has expired since ends nothing.

        None once it was revoked or forgotten, or its user or app is no more.
        """
        grant = self.accounts.grant(key)
        if grant is None or grant.kind not in OPENING:
            return None
        return self.stands(msgspec.structs.replace(grant, expires=2**62, idle=0))

    def hash(self, secret: str) -> bytes:
        """What is kept of a secret, and found by it."""
        return self._hash(secret)

    def found(self, secret: str) -> Grant | None:
        """The grant of a secret, of whatever kind, standing or not."""
        return self.accounts.grant(self._hash(secret))

    def forget(self) -> None:
        """Read every grant again before it is trusted: something that many rest on has changed."""
        self._standing.clear()

    # -- log-in and sessions ----------------------------------------------------------------------------------------

    def trying(self, tenant: str, user: str, address: str, mark: str) -> Try:
        """A try to log in from an address, with the mark that the browser holds for this user ("": none)."""
        return Try(tenant, user, address, self.devices.known(tenant, user, mark, self.now()))

    def blocked(self, trying: Try) -> int:
        """Seconds to wait before this try may be made; 0: it may be made now, once."""
        return self._guessing.wait(trying, self.now())

    def knows(self, tenant: str, user: str, secret: str) -> bool:
        """Whether the password is right. Slow on purpose, and as slow for an unknown user; safe to call in a thread."""
        found = self.accounts.user(tenant, user)
        usable = found is not None and not found.disabled and bool(found.roles)
        return password.holds(found.password if found is not None and usable else "", secret)

    def counted(self, trying: Try, *, right: bool) -> None:
        """Count a try that was made."""
        if right:
            self._guessing.succeeded(trying)
        else:
            self._guessing.failed(trying, self.now())

    def open_session(self, tenant: str, user: str) -> tuple[str, Grant]:
        """A new session of a user whose password was right: the cookie's secret and what is kept of it."""
        now = self.now()
        secret = secrets.token_urlsafe(32)
        grant = Grant(
            key=self._hash(secret),
            kind="session",
            tenant=tenant,
            user=user,
            created=now,
            expires=now + self.lifetimes.session,
            seen=now,
            idle=self.lifetimes.idle,
            csrf=secrets.token_urlsafe(24),
        )
        self.accounts.save_grant(grant)
        return secret, grant

    def open_visit(self, tenant: str, user: str, *, half: bool = False) -> tuple[str, Grant]:
        """A short log-in at an app's request, which opens the page of consent alone; `half`: the second step is due."""
        now, secret = self.now(), secrets.token_urlsafe(32)
        ends = now + self.lifetimes.visit
        detail = b"half" if half else b""
        grant = Grant(
            self._hash(secret), "visit", tenant, user, now, ends, csrf=secrets.token_urlsafe(24), detail=detail
        )
        self.accounts.save_grant(grant)
        return secret, grant

    def visitor(self, secret: str, *, half: bool = False) -> Standing | None:
        """Who is logged in at an app's request, or has only the second step left; None when unknown or ended."""
        grant = self.found(secret)
        wanted = grant is not None and grant.kind == "visit" and bool(grant.detail) is half
        return self.stands(grant) if grant is not None and wanted else None

    def break_glass(self, standing: Standing, patient: str, reason: str) -> Standing:
        """Lift the consent of one patient for this grant for an hour, because of `reason`.

        Refused: 403 when no role may or the grant is bound to a patient, 422 without a reason of 10 to 500 characters.
        """
        if not any("break-glass" in self.table[role].pages for role in standing.user.roles):
            raise invalid("forbidden", "no role of this user may break the glass", status=403)
        if all(held.context == "patient" for held in standing.scopes):
            raise invalid("forbidden", "a grant bound to one patient cannot break the glass", status=403)
        if not 10 <= len(reason.strip()) <= 500:
            raise invalid("value", "breaking the glass needs a reason of 10 to 500 characters", "reason", 422)
        until = self.now() + self.lifetimes.glass
        broken = msgspec.structs.replace(standing.grant, broken=patient, broken_until=until, reason=reason.strip())
        return self._keep(broken, standing)

    # -- tokens and users -------------------------------------------------------------------------------------------

    def issue(self, user: User, scopes: str, *, lasts: int = 0, label: str = "") -> tuple[str, Grant]:
        """A new token: its 256-bit secret, shown once, and what is kept. `scopes` "" gives all that the roles give.

        Refused (400) when the scope text is not understood or gives nothing at all to a user of these roles.
        """
        limits = scope.parse(scopes)
        if scopes and not scope.narrow(access.scopes_of(user.roles, self.table), limits):
            raise invalid("forbidden", "the roles of this user grant nothing of these scopes", "scope")
        now = self.now()
        secret = secrets.token_urlsafe(32)
        expires = now + (lasts or self.lifetimes.token)
        grant = Grant(self._hash(secret), "token", user.tenant, user.user, now, expires, scope.text(limits), label)
        self.accounts.save_grant(grant)
        return secret, grant

    def revoke(self, grant: Grant) -> None:
        """End a token or a session now."""
        self._standing.pop(grant.key, None)
        self.accounts.save_grant(msgspec.structs.replace(grant, revoked=True))

    def keep_user(self, user: User) -> None:
        """Save a user. Whoever acts as this user does so with the new roles from now on."""
        self.accounts.save_user(user)
        for key, known in list(self._standing.items()):
            if (known.user.tenant, known.user.user) == (user.tenant, user.user):
                del self._standing[key]

    def set_password(self, user: User, new: str) -> User:
        """Keep a new password and end the user's sessions; slow on purpose. Refused with 422 when too short or long."""
        return self.keep_password(user, password.hash_of(new))

    def keep_password(self, user: User, kept: str) -> User:
        """The same with a hash made by `password.hash_of`, perhaps in a thread."""
        changed = msgspec.structs.replace(user, password=kept)
        self.keep_user(changed)
        for grant in self.accounts.grants(user.tenant, user.user):
            if grant.kind in ("session", "visit", "code", "refresh") and not grant.revoked:
                self.revoke(grant)
        return changed

    def _keep(self, grant: Grant, standing: Standing) -> Standing:
        self.accounts.save_grant(grant)
        kept = standing._replace(grant=grant)
        self._standing[grant.key] = kept
        return kept

    def _hashed(self, secret: str) -> bytes:
        return blake2b(secret.encode("utf-8", "surrogatepass"), key=self._key, digest_size=32).digest()


def _of_one_kind(scopes: tuple[Scope, ...], patient: str) -> tuple[Scope, ...]:
    """Patient scopes bind a caller only when it holds no others, and somebody to be bound to; else they grant nothing."""
    wide = tuple(held for held in scopes if held.context != "patient")
    return wide if wide or not patient else scopes
