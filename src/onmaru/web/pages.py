"""The interface's files: hashed assets are kept for ever, the page itself never; an unknown path is the page (it routes)."""

from __future__ import annotations

import mimetypes
from pathlib import Path

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.room import Response
from onmaru.web.packing import HEADERS, TEXTS, squeezed

# The built interface writes no style or script into the page (ui/build/theme.ts), so neither is allowed.
POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
POLICIES = (
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
    ("content-security-policy", POLICY),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), payment=()"),
)
_FOREVER = (("cache-control", "public, max-age=31536000, immutable"), *POLICIES)
_ANEW = (("cache-control", "no-cache"), *POLICIES)


class File(msgspec.Struct, frozen=True):
    """One file with its headers, read once at the start."""

    body: bytes
    type: str
    headers: tuple[tuple[str, str], ...]

    def small(self) -> bytes:
        """In gzip; b"" where that is no smaller."""
        small = squeezed(self.body, 9) if self.type.startswith(TEXTS) else b""
        return small if len(small) < len(self.body) else b""


class Pages:
    """The files below `folder`, read at the start: a request's path is looked up among them, never on the disk."""

    def __init__(self, folder: Path | None) -> None:
        self._files: dict[str, File] = {}
        # By the file's name in it, from the first request on: a server is up sooner, and many files nobody asks for
        self._small: dict[str, bytes] = {}
        for path in sorted(folder.rglob("*")) if folder is not None and folder.is_dir() else ():
            if path.is_file():
                name = path.relative_to(folder or path).as_posix()
                self._files[name] = File(path.read_bytes(), _type(path), _FOREVER if _hashed(name) else _ANEW)

    def answer(self, method: str, path: str, *, packed: bool = False) -> Response:
        """The file, or the page for a path without a suffix, `packed` where gzip is taken; `Invalid` 404 or 405."""
        if method not in ("GET", "HEAD"):
            raise invalid("not-supported", "only GET here", status=405)
        name = path.strip("/")
        if name not in self._files and "." not in name.rpartition("/")[2]:
            name = "index.html"
        found = self._files.get(name)
        if found is None:
            raise invalid("not-found", "no such page", status=404)
        if packed and name not in self._small:
            self._small[name] = found.small()
        if packed and self._small[name]:
            return Response(200, self._small[name], found.type, (*found.headers, *HEADERS))
        return Response(200, found.body, found.type, found.headers)


def _hashed(name: str) -> bool:
    """Whether the builder put the content's hash into the name, as it does for all under assets/."""
    return name.startswith("assets/")


def _type(path: Path) -> str:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if path.suffix in (".js", ".mjs"):
        kind = "text/javascript"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") or kind.endswith(("json", "svg+xml")) else kind
