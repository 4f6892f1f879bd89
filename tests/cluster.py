"""A throw-away PostgreSQL 15 cluster: made once a test session, reached by a socket in its own folder, gone after it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from onmaru.engines.postgres.link import Link
from onmaru.engines.postgres.schema import begin, prepare, schema_of
from onmaru.engines.sqlite.connection import Keys

ABSENT = "no PostgreSQL: install Debian's postgresql"
FAST = ("fsync=off", "full_page_writes=off", "autovacuum=off", "listen_addresses=", "max_connections=60")


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
def cluster() -> Iterator[str]:
    """The address of a running cluster, `postgresql://…`."""
    found, who = programs(), _unprivileged()
    assert found is not None, ABSENT
    folder = Path(tempfile.mkdtemp(prefix="onmaru-pg-"))
    if who:
        os.chown(folder, who["user"], who["group"])
    data, quiet = folder / "data", {"cwd": folder, "stdout": subprocess.DEVNULL, **who}
    initdb = [found / "initdb", "-D", data, "-A", "trust", "-U", "onmaru", "--no-locale", "-E", "UTF8", "--no-sync"]
    options = " ".join(f"-c {one}" for one in (*FAST, f"unix_socket_directories={folder}"))
    try:
        subprocess.run(initdb, check=True, **quiet)
        start = [found / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", options, "start"]
        subprocess.run(start, check=True, **quiet)
        yield f"postgresql://onmaru@/postgres?host={folder}"
    finally:
        subprocess.run([found / "pg_ctl", "-D", data, "-m", "immediate", "stop"], check=False, **quiet)
        shutil.rmtree(folder, ignore_errors=True)


def emptied(database: str, keys: Keys) -> None:
    """Have an empty schema of a tenant; a row taken away costs a hundredth of a table made."""
    link, genesis = Link(database, schema_of(keys.tenant)), (keys.genesis("log"), keys.genesis("audit"))
    prepare(link, keys.tenant, genesis)
    tables = link.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = current_schema::regnamespace AND relkind = 'r'"
    )
    with link.transaction():
        link.script(";".join(f"DELETE FROM {name}" for (name,) in tables))
        begin(link, genesis)
    link.close()
