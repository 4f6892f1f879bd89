"""A throw-away PostgreSQL cluster for a proof or a test session: reached by a socket in its own folder, gone after it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ABSENT = "no PostgreSQL: install Debian's postgresql"
MADE = ("-A", "trust", "-U", "onmaru", "--no-locale", "-E", "UTF8", "--no-sync")
OWN = ("listen_addresses=", "max_connections=60")


def programs() -> Path | None:
    """The folder of `initdb` and `pg_ctl`, of the newest version there is; None where there is none."""
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    named = shutil.which("initdb")
    return max(folders, default=Path(named).resolve().parent if named else None, key=lambda one: int(one.parent.name))


def _unprivileged() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: whom to run it as, in the words of `subprocess`."""
    if os.getuid():
        return {}
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    return {}


@contextmanager
def cluster(options: Sequence[str] = ()) -> Iterator[str]:
    """The address of a running cluster, `postgresql://…`; `options` as PostgreSQL's `-c` takes them."""
    found, who = programs(), _unprivileged()
    assert found is not None, ABSENT
    folder = Path(tempfile.mkdtemp(prefix="onmaru-pg-"))
    if who:
        os.chown(folder, who["user"], who["group"])
    data, quiet = folder / "data", {"cwd": folder, "stdout": subprocess.DEVNULL, **who}
    initdb: list[str | Path] = [found / "initdb", "-D", data, *MADE]
    asked = " ".join(f"-c {one}" for one in (*OWN, *options, f"unix_socket_directories={folder}"))
    try:
        subprocess.run(initdb, check=True, **quiet)  # noqa: S603 - PostgreSQL's own
        start: list[str | Path] = [found / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", asked, "start"]
        subprocess.run(start, check=True, **quiet)  # noqa: S603 - as above
        yield f"postgresql://onmaru@/postgres?host={folder}"
    finally:
        subprocess.run([found / "pg_ctl", "-D", data, "-m", "immediate", "stop"], check=False, **quiet)  # noqa: S603 - as above
        shutil.rmtree(folder, ignore_errors=True)
