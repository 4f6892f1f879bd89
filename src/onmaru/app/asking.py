"""A command's way to the running server: over its own HTTP address, with a token that lasts a minute."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import msgspec

from onmaru.app import settings
from onmaru.app.house import MAIN, House
from onmaru.app.refusal import REFUSED, Refusal
from onmaru.kernel.accounts import User

SECONDS = 60
_MINUTE = 60_000_000


class Server:
    """The server that holds a tenant, asked in the name of a user of the house."""

    def __init__(self, house: House, tenant: str, user: User) -> None:
        found = settings.load()
        host = str(found["host"].value)
        reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - compared, not bound
        below = "" if tenant == MAIN else f"/t/{tenant}"
        self._base = f"http://{reachable}:{found['port'].value}{below}"
        mine = msgspec.structs.replace(user, tenant=tenant)
        house.logins.keep_user(mine)
        self._token, _ = house.logins.issue(mine, "", lasts=_MINUTE, label=user.name)

    def ask(self, method: str, path: str, body: bytes | None = None, language: str = "en") -> bytes:
        """The answer's body; a Refusal in the server's own words, or when no server answers."""
        request = urllib.request.Request(self._base + path, body, method=method)  # noqa: S310 - our own address
        request.add_header("Authorization", f"Bearer {self._token}")
        request.add_header("Content-Type", "application/json")
        request.add_header("Accept-Language", language)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - our own address
                found: bytes = answer.read()
                return found
        except urllib.error.HTTPError as error:
            raise Refusal(_told(error.read()), REFUSED) from error
        except urllib.error.URLError as error:
            raise Refusal(
                "another process holds this tenant, and no server answers at the settings' address"
            ) from error


def _told(body: bytes) -> str:
    """What a refusal says, of the API or of FHIR."""
    said = json.loads(body or b"{}")
    if "issue" in said:
        return "; ".join(str(issue.get("diagnostics", issue.get("code"))) for issue in said["issue"])
    return str(said.get("error", {}).get("text", "refused"))
