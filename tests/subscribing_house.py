"""A real house served in a thread of this process, with a client, that can be stopped and begun again."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from tests.served import free_port

from onmaru.app import serving
from onmaru.app import settings as chosen
from onmaru.app.house import MAIN, House, place
from onmaru.app.subscriptions.tuning import Tuning
from onmaru.kernel.accounts import User
from onmaru.kernel.tenancy import Tenancy

TOPICS = "http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic."
BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
QUICK = Tuning(tries=300, first=0.02, most=0.05, patrol=0.1, flush=0.05)


class Served:
    """`tuning` holds for the next start."""

    def __init__(
        self,
        folder: Path,
        patch: pytest.MonkeyPatch,
        receiver: int,
        *,
        more: str = "",
        mail: str = "",
        keys: Path | None = None,
        tokens: dict[str, str] | None = None,
    ) -> None:
        home = folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        hosts = f'[outbound.main]\nhosts = ["127.0.0.1"]\n{mail}'
        (home / "onmaru.toml").write_text(f'outbound_local = "127.0.0.1:{receiver}"\nmllp_port = 0\n{more}{hosts}')
        for name, path in (("HOME", home), ("KEYS", keys or folder / "keys"), ("WITNESS", folder / "witness")):
            patch.setenv(f"ONMARU_{name}", str(path))
        patch.setattr(serving, "tuning", lambda found: self.tuning)
        self.tuning = QUICK
        self.port = free_port()
        self.house: House
        self.tokens: dict[str, str] = tokens or {}
        self.start()

    def start(self) -> None:
        """Serve; returns when it answers."""
        begun = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(begun)), daemon=True)
        self._thread.start()
        assert begun.wait(20)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=20)

    async def _serve(self, begun: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        found = {**chosen.load(), "port": chosen.Chosen(self.port, "test")}
        self.house = House(place())
        async with serving.served(self.house, found, ()) as standing:
            self.running = standing.running
            if not self.tokens:
                self.token("system", "system")
            begun.set()
            await self._stop.wait()

    def stop(self) -> None:
        self.client.close()
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)

    def token(self, user: str, *roles: str, scopes: str = "", tenant: str = MAIN) -> str:
        """A token of a user who is made for it."""
        made = User(tenant, user, user, roles)  # type: ignore[arg-type]  # names of roles
        self.house.logins.keep_user(made)
        self.tokens[user], self.grant = self.house.logins.issue(made, scopes)
        return self.tokens[user]

    def ask(self, method: str, path: str, body: Any = None, *, by: str = "system", status: int = 0) -> Any:
        """The JSON of an answer, whose status must be as said, or good."""
        headers = {"authorization": f"Bearer {self.tokens[by]}", "content-type": "application/fhir+json"}
        content = json.dumps(body).encode() if body is not None else None
        answer = self.client.request(method, f"/fhir{path}", content=content, headers=headers)
        assert answer.status_code == status or (not status and answer.status_code < 300), answer.text
        return answer.json() if answer.content else None

    def auditor(self) -> str:
        """A token of who may look at the audit trail."""
        return self.tokens.get("auditor") or self.token("auditor", "data-manager")

    def subscribe(self, body: Any, *, by: str = "system") -> str:
        """The id of a Subscription that was made."""
        return str(self.ask("POST", "/Subscription", body, by=by)["id"])

    def suspend(self, state: Literal["open", "suspended"]) -> None:
        """Close the tenant, or open it again."""
        self._loop.call_soon_threadsafe(self.house.tenancies.save, Tenancy(MAIN, state))
        while bool(self.house.tenancies.closed(MAIN)) is (state == "open"):
            time.sleep(0.01)

    def state(self, id: str) -> tuple[str, str]:
        """Status and error of a Subscription as the record has it."""
        found = self.ask("GET", f"/Subscription/{id}")
        return found["status"], found.get("error", "")

    def patient(self, family: str = "Kim", **more: Any) -> str:
        made = self.ask("POST", "/Patient", {"resourceType": "Patient", "name": [{"family": family}], **more})
        return str(made["id"])


def classic(criteria: str, endpoint: str, **channel: Any) -> dict[str, Any]:
    """A Subscription of R4's own kind."""
    return {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "test",
        "criteria": criteria,
        "channel": {"type": "rest-hook", "endpoint": endpoint, **channel},
    }


def extension(name: str, **value: Any) -> dict[str, Any]:
    return {"url": f"{BACKPORT}{name}", **value}


def topical(topic: str, endpoint: str, *filters: str, content: str = "id-only", **numbers: int) -> dict[str, Any]:
    """A topic-based Subscription; `numbers` are heartbeat_period, timeout and max_count."""
    kinds = {"heartbeat_period": "valueUnsignedInt", "timeout": "valueUnsignedInt", "max_count": "valuePositiveInt"}
    more = [extension(f"backport-{name.replace('_', '-')}", **{kinds[name]: n}) for name, n in numbers.items()]
    made = classic(topic, endpoint, payload="application/fhir+json")
    made["channel"]["_payload"] = {"extension": [extension("backport-payload-content", valueCode=content)]}
    if more:
        made["channel"]["extension"] = more
    if filters:
        found = [extension("backport-filter-criteria", valueString=one) for one in filters]
        made["_criteria"] = {"extension": found}
    return made


def topic(url: str, type_name: str, *interactions: str, **criteria: Any) -> dict[str, Any]:
    """A topic as a Basic. `criteria`: previous, current, resultForCreate …, or fhirPathCriteria."""
    parts: list[dict[str, Any]] = [{"url": "resource", "valueUri": type_name}]
    parts += [{"url": "supportedInteraction", "valueCode": one} for one in interactions]
    path = criteria.pop("fhirPathCriteria", "")
    query = [
        {"url": name, ("valueBoolean" if isinstance(value, bool) else "valueString"): value}
        for name, value in criteria.items()
    ]
    parts += [{"url": "queryCriteria", "extension": query}] if query else []
    parts += [{"url": "fhirPathCriteria", "valueString": path}] if path else []
    return {
        "resourceType": "Basic",
        "code": {"coding": [{"system": "http://hl7.org/fhir/fhir-types", "code": "SubscriptionTopic"}]},
        "extension": [
            {"url": f"{TOPICS}url", "valueUri": url},
            {"url": f"{TOPICS}resourceTrigger", "extension": parts},
        ],
        "modifierExtension": [{"url": f"{TOPICS}status", "valueCode": "active"}],
    }
