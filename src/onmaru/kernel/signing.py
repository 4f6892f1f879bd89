"""Who somebody is, told to an app in a signed id_token (OpenID Connect Core 1.0). One RSA key a tenant, kept encrypted."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from onmaru.kernel.accounts import Accounts

ALGORITHM = "RS256"


class Signing:
    """Signs for every tenant; a key is made when it is first needed."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._key = lru_cache(maxsize=256)(self._read)

    def sign(self, tenant: str, claims: dict[str, Any]) -> str:
        """The claims as a JWT (RFC 7519)."""
        key = self._key(tenant)
        return jwt.encode({"alg": ALGORITHM, "kid": str(key.kid)}, claims, key, algorithms=[ALGORITHM])

    def public(self, tenant: str) -> dict[str, Any]:
        """The key set by which anybody can check a signature (RFC 7517)."""
        key = self._key(tenant)
        return {"keys": [{**key.as_dict(private=False), "use": "sig", "alg": ALGORITHM, "kid": key.kid}]}

    def _read(self, tenant: str) -> RSAKey:
        kept = self._accounts.kept(f"signing/{tenant}", lambda: RSAKey.generate_key(2048, private=True).as_pem(True))
        key = RSAKey.import_key(kept)
        key.ensure_kid()
        return key
