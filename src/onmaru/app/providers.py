"""The OpenID providers that tenants log in through: `[oidc.TENANT]` of the settings file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from onmaru.app import settings
from onmaru.app.refusal import Refusal
from onmaru.kernel.provider import Provider


def providers() -> Mapping[str, Provider]:
    """Every tenant's provider; refuses a table that lacks a part or names an unknown one."""
    return {tenant: _read(tenant, table) for tenant, table in settings.table("oidc").items()}


def _read(tenant: str, table: object) -> Provider:
    known = {"issuer", "client_id", "secret_file", "claim"}
    if not isinstance(table, dict) or not {"issuer", "client_id"} <= table.keys() <= known:
        raise Refusal(f"[oidc.{tenant}] takes issuer and client_id, and may have secret_file and claim")
    if not all(isinstance(value, str) and value for value in table.values()):
        raise Refusal(f"[oidc.{tenant}]: every part is a text")
    if not urlsplit(table["issuer"]).hostname or table["issuer"].endswith("/"):
        raise Refusal(f"[oidc.{tenant}]: issuer is an address without a last slash")
    secret = ""
    if "secret_file" in table:
        try:
            secret = Path(table["secret_file"]).read_text("utf-8").strip()
        except OSError as error:
            raise Refusal(f"[oidc.{tenant}]: secret_file cannot be read") from error
    return Provider(table["issuer"], table["client_id"], secret, table.get("claim", "preferred_username"))
