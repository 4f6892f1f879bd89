"""The ground the demo stands on: a home that holds nothing real, keys of its own, and one account for each role."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from onmaru.app import settings
from onmaru.app.house import MAIN
from onmaru.app.refusal import Refusal
from onmaru.engines.keyring import write_new
from onmaru.kernel.accounts import User
from onmaru.kernel.caller import Role
from onmaru.kernel.login import Logins

MARK = "# This home belongs to `onmaru demo`: everybody in it is invented."
PEOPLE: Sequence[tuple[Role, str]] = (
    ("physician", "데모 의사"),
    ("nurse", "데모 간호사"),
    ("registrar", "데모 원무직원"),
    ("researcher", "데모 연구자"),
    ("data-manager", "데모 데이터관리자"),
    ("board-member", "데모 심의위원"),
    ("admin", "데모 관리자"),
    ("patient", "데모 환자"),
)
MACHINE = "simulated-hospital"
_OF_A_REAL_HOUSE = frozenset({"ONMARU_KEYS", "ONMARU_WITNESS", "ONMARU_STORE", "ONMARU_BASE", "ONMARU_PROXIES"})
_MONTH = 30 * 86_400_000_000


class Account(NamedTuple):
    """One account to sign in with."""

    user: str
    name: str
    password: str


def chosen_home(asked: Path | None, environ: Mapping[str, str] = os.environ) -> Path:
    """`--home`, else ONMARU_HOME, else the folder `demo` inside the data directory."""
    if asked is not None:
        return asked.expanduser().resolve()
    if environ.get("ONMARU_HOME"):
        return Path(environ["ONMARU_HOME"]).expanduser().resolve()
    return Path(str(settings.HOME.default)) / "demo"


def prepared(home: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Make or take up a demo's home; the environment in which it is the house. Refuses a folder with anything else in it."""
    file = home / "onmaru.toml"
    written = file.read_text("utf-8") if file.is_file() else ""
    if not written.startswith(MARK):
        if home.is_dir() and any(one.name != f"{file.name}.new" for one in home.iterdir()):
            raise Refusal(f"{home} holds something that is not a demo; name an empty folder: onmaru demo --home FOLDER")
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_new(file, f"{MARK}\nkeys = '{home / 'keys'}'\nwitness = '{home / 'witness'}'\n".encode())
    others = {name: value for name, value in environ.items() if name not in _OF_A_REAL_HOUSE}
    return {**others, "ONMARU_HOME": str(home)}


def accounts(logins: Logins) -> Iterator[Account]:
    """An account for each role but the patient's, each with a fresh password: only its hash is kept."""
    for role, name in PEOPLE:
        if role != "patient":
            yield _account(logins, User(MAIN, role, name, (role,)))


def patient_account(logins: Logins, patient: str) -> Account:
    """The account of one simulated patient, who sees their own record and no other."""
    return _account(logins, User(MAIN, "patient", dict(PEOPLE)["patient"], ("patient",), patient=patient))


def _account(logins: Logins, user: User) -> Account:
    password = secrets.token_urlsafe(9)
    logins.set_password(user, password)
    return Account(user.user, user.name, password)


def token(logins: Logins, name: str, role: Role) -> str:
    """A bearer token for a machine or a reader of the demo."""
    user = User(MAIN, name, name, (role,))
    logins.keep_user(user)
    secret, _ = logins.issue(user, "", lasts=_MONTH, label="demo")
    return secret
