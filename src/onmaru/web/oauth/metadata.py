"""What clients read first: `.well-known/smart-configuration` (SMART App Launch 2) and OpenID Connect Discovery 1.0."""

from __future__ import annotations

from functools import cache
from typing import Any

from onmaru.kernel import assertion, scope, signing
from onmaru.kernel.access import standard
from onmaru.kernel.clients import WORDS
from onmaru.kernel.registration import inviting
from onmaru.web.visit import Visit

METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]


@cache
def scopes_supported() -> list[str]:
    """SMART's own scopes and those of the roles table."""
    return [*sorted(WORDS), *sorted({scope.text([one]) for duty in standard().values() for one in duty.scopes})]


def smart_configuration(visit: Visit) -> dict[str, Any]:
    """SMART App Launch 2, "Metadata"."""
    return {
        **_endpoints(visit),
        "capabilities": [
            "launch-ehr",
            "launch-standalone",
            "client-public",
            "client-confidential-symmetric",
            "client-confidential-asymmetric",
            "sso-openid-connect",
            "context-ehr-patient",
            "context-ehr-encounter",
            "context-standalone-patient",
            "context-banner",
            "permission-offline",
            "permission-online",
            "permission-patient",
            "permission-user",
            "permission-v1",
            "permission-v2",
        ],
    }


def openid_configuration(visit: Visit) -> dict[str, Any]:
    """OpenID Connect Discovery 1.0, section 3."""
    return {
        **_endpoints(visit),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [signing.ALGORITHM],
        "authorization_response_iss_parameter_supported": True,
        "claims_supported": [
            "iss",
            "sub",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "nonce",
            "fhirUser",
            "name",
            "preferred_username",
        ],
    }


def _endpoints(visit: Visit) -> dict[str, Any]:
    base = visit.base
    open_to_apps = visit.doors.tenants(visit.tenant) and inviting(visit.doors.logins, visit.tenant)
    return {
        **({"registration_endpoint": f"{base}/oauth/register"} if open_to_apps else {}),
        "issuer": f"{base}/oauth",
        "jwks_uri": f"{base}/oauth/jwks",
        "authorization_endpoint": f"{base}/oauth/authorize",
        "token_endpoint": f"{base}/oauth/token",
        "introspection_endpoint": f"{base}/oauth/introspect",
        "revocation_endpoint": f"{base}/oauth/revoke",
        "token_endpoint_auth_methods_supported": METHODS,
        "token_endpoint_auth_signing_alg_values_supported": list(assertion.ALGORITHMS),
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": scopes_supported(),
    }
