"""The pages at which people log in for an app and consent: plain HTML forms, no script, one style sheet of our own.

Everything that came from elsewhere is escaped; the policy lets a form go back to the app's own registered address only.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from onmaru.kernel.caller import Scope
from onmaru.kernel.clients import origin
from onmaru.kernel.room import Response
from onmaru.kernel.scope import LETTERS
from onmaru.web.doors import Language

_LETTER = dict(zip(LETTERS, ("create", "read", "update", "delete", "search"), strict=True))


@cache
def style() -> bytes:
    """The style sheet of the pages."""
    return files("onmaru.web.oauth").joinpath("style.css").read_bytes()


@cache
def strings(language: Language) -> Mapping[str, Any]:
    """The string table of a language."""
    return tomllib.loads(files("onmaru.web.oauth").joinpath(f"strings.{language}.toml").read_text("utf-8"))


def page(language: Language, top: str, body: str, *, leads: str = "", status: int = 200) -> Response:
    """One page; `top` is the tenant's path, `leads` the address that its form may lead to beside our own."""
    words = strings(language)
    head = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(words["title"])}</title><link rel="stylesheet" href="{escape(top)}/oauth/style.css"></head>'
    )
    top_line = f'<p class="brand">온마루 · Onmaru</p><h1>{escape(words["title"])}</h1>'
    html = f"{head}<body><main>{top_line}{body}</main></body></html>"
    return Response(status, html.encode(), "text/html; charset=utf-8", _policies(leads))


def _policies(leads: str) -> tuple[tuple[str, str], ...]:
    app = (origin(leads) or f"{urlsplit(leads).scheme}:") if leads else "'self'"
    policy = (
        f"default-src 'none'; style-src 'self'; form-action 'self' {app}".rstrip()
        + "; frame-ancestors 'none'; base-uri 'none'"
    )
    return (
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        # An Origin is sent with our own forms, and nothing to anybody else
        ("referrer-policy", "same-origin"),
        ("x-frame-options", "DENY"),
        ("content-security-policy", policy),
        ("cross-origin-opener-policy", "same-origin-allow-popups"),
    )


def form(top: str, step: str, hidden: Mapping[str, str], inner: str) -> str:
    """A form of ours; `hidden` are fields that come back as they are."""
    kept = {"step": step, **hidden}
    fields = "".join(f'<input type="hidden" name="{escape(n)}" value="{escape(v)}">' for n, v in kept.items())
    return f'<form method="post" action="{escape(top)}/oauth/authorize" autocomplete="off">{fields}{inner}</form>'


def field(name: str, label: str, kind: str = "text", *, more: str = "") -> str:
    """One labelled field."""
    return f'<label for="{name}">{escape(label)}</label><input id="{name}" name="{name}" type="{kind}" {more}>'


def button(label: str, *, name: str = "", value: str = "", plain: bool = False) -> str:
    """A button; with a name its value is sent."""
    named = f' name="{escape(name)}" value="{escape(value)}"' if name else ""
    return f'<button type="submit"{named}{" class=plain" if plain else ""}>{escape(label)}</button>'


def alert(text: str) -> str:
    """What went wrong, read aloud at once; "" for nothing."""
    return f'<p role="alert">{escape(text)}</p>' if text else ""


def said(words: Mapping[str, Any], special: Sequence[str], scopes: Sequence[Scope]) -> str:
    """What an app asks for, in words."""
    lines = []
    if "openid" in special or "fhirUser" in special:
        lines.append(words["openid"])
    lines += [_scope(words, one) for one in scopes]
    lines += [
        words[key] for key, word in (("offline", "offline_access"), ("online", "online_access")) if word in special
    ]
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def _scope(words: Mapping[str, Any], one: Scope) -> str:
    where = words["of_patient"] if one.context == "patient" else words["of_user"]
    what = words["everything"] if one.type == "*" else words["types"].get(one.type, one.type)
    how = ", ".join(words[_LETTER[letter]] for letter in LETTERS if letter in one.verbs)
    part = f" ({words['part'].format(search=one.search)})" if one.search else ""
    return f"{where}: {what}{part} — {how}"
