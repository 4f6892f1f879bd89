"""Every setting, declared once: a value comes from the environment, else the settings file, else the default."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from onmaru.app.forms import Form, a_database, a_relay, an_address, networks
from onmaru.app.refusal import Refusal
from onmaru.app.setting import Setting, Value
from onmaru.app.stream_settings import STREAMS
from onmaru.kernel.audit_retention import LEAST
from onmaru.kernel.integrity import LEVELS as BONDS
from onmaru.kernel.rules import LEVELS


class Chosen(NamedTuple):
    """A setting's value and where it came from: `default`, `file` or `environment`."""

    value: Value
    origin: str


def _folder(variable: str, linux: str, darwin: str) -> str:
    """A folder of the user's own by the platform's custom (XDG Base Directory 0.8, Apple's File System guide)."""
    if sys.platform == "darwin":
        return str(Path.home() / "Library" / darwin / "onmaru")
    if sys.platform == "win32":
        return str(Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "onmaru")
    return str(Path(os.environ.get(variable) or Path.home() / linux) / "onmaru")


HOME = Setting(
    "home",
    _folder("XDG_DATA_HOME", ".local/share", "Application Support"),
    "The folder that holds everything Onmaru stores, and `onmaru.toml`. It has to be on a local disk.",
    "the user's data directory: ~/.local/share/onmaru on Linux",
)

PORT = (0, 65_535)
SETTINGS: tuple[Setting, ...] = (
    HOME,
    Setting(
        "keys",
        str(Path(_folder("XDG_CONFIG_HOME", ".config", "Preferences")) / "keys"),
        "The folder of the master and signing keys and of each tenant's own. Keep it apart from `home` and back it up "
        "apart: without it nothing stored can be read.",
        "the user's configuration directory: ~/.config/onmaru/keys on Linux",
    ),
    Setting(
        "witness",
        str(Path(_folder("XDG_STATE_HOME", ".local/state", "Logs")) / "witness"),
        "The folder to which signed heads are copied. It should be on another machine.",
        "the user's state directory: ~/.local/state/onmaru/witness on Linux",
    ),
    Setting(
        "store",
        "",
        "The PostgreSQL that holds the record: `postgresql://user@host:port/database`, without a password, which is taken "
        "from PGPASSWORD or the file that PGPASSFILE names. Empty: the record is in `home`.",
        form=Form("empty or postgresql://user@host/database without a password", a_database),
    ),
    Setting(
        "host", "127.0.0.1", "The address the HTTP server listens on. Only the default is reachable by nobody else."
    ),
    Setting("port", 8080, "The port the HTTP server listens on.", within=PORT),
    Setting(
        "base",
        "",
        "The address under which people and programs reach this house, `https://emr.example.org`, where a proxy with TLS "
        "stands before it. Links, the capability statement and the cookies' `Secure` follow it; empty: as the request says.",
        form=Form("https:// and a host, without a path or a last slash,", an_address),
    ),
    Setting(
        "proxies",
        "",
        "The networks of the reverse proxies before this house, with spaces between: `10.0.0.5 fd00::/64`. What they say "
        "in `X-Forwarded-For` is taken for the client's address, in the audit and where wrong passwords are counted.",
        form=Form("addresses or networks with spaces between", networks),
    ),
    Setting(
        "tls_certificate",
        "",
        "The HTTP server's certificate chain, a PEM file; with it and `tls_key` it speaks only TLS, 1.2 or later. A renewed "
        "file is taken up within a minute.",
    ),
    Setting("tls_key", "", "The private key of that certificate, a PEM file that only the server can read."),
    Setting(
        "metrics_port",
        0,
        "The port on which `/metrics` answers Prometheus, without a log-in; 0: it does not.",
        within=PORT,
    ),
    Setting(
        "metrics_host", "127.0.0.1", "The address that `/metrics` listens on: one that only the monitoring reaches."
    ),
    Setting(
        "traces",
        "",
        "Where OpenTelemetry spans of requests are sent, OTLP over HTTP: `http://127.0.0.1:4318/v1/traces`. Empty: nowhere. "
        "Needs `onmaru[otel]`.",
        form=Form("empty or an http address", lambda text: not text or bool(re.fullmatch(r"https?://[^\s@]+", text))),
    ),
    Setting(
        "log_format", "text", "How the server's log is written to stderr: `text` or `json`.", among=("text", "json")
    ),
    Setting(
        "log_level",
        "info",
        "From what on the server's log tells: `debug`, `info`, `warning` or `error`.",
        among=("debug", "info", "warning", "error"),
    ),
    Setting(
        "disk_least_mb",
        512,
        "How many MiB have to be free on the disk of `home` for `/readyz` to say that this house is ready.",
    ),
    Setting(
        "packet_folder",
        "",
        "The folder that downtime packets are written to, a page a ward of the tenant main; empty: none is written.",
    ),
    Setting("packet_minutes", 15, "Every how many minutes they are written.", within=(1, 1440)),
    Setting(
        "packet_passphrase",
        "",
        "A file with the passphrase that opens them, at least 12 characters in one line. It has to be known on the wards.",
    ),
    Setting(
        "rewriting_percent",
        20,
        "From what share of a tenant's resources on, rewritten, deleted or erased within `rewriting_minutes`, there is an "
        "alarm; 0: there is none.",
        within=(0, 100),
    ),
    Setting("rewriting_least", 1000, "How many rewritings are too few for that alarm, in a small record."),
    Setting("rewriting_minutes", 60, "Over how many minutes rewritings are counted for that alarm.", within=(1, 1440)),
    Setting(
        "backup",
        "",
        "Where backups lie: a folder on another disk, or `command:ssh backup@vault onmaru backup keep /srv/onmaru`, behind "
        "which nothing can be changed or removed from here.",
    ),
    Setting(
        "flight_port",
        0,
        "The port of this machine on which SQL clients ask the lake by Arrow Flight SQL; 0: none.",
        within=PORT,
    ),
    Setting("mllp_host", "127.0.0.1", "The address the HL7 v2 (MLLP) servers listen on; empty: none does."),
    Setting(
        "mllp_port", 2575, "The port the HL7 v2 (MLLP) server without TLS listens on; 0: it does not.", within=PORT
    ),
    Setting("mllp_tls_port", 0, "The port the HL7 v2 (MLLP) server with TLS listens on; 0: it does not.", within=PORT),
    Setting("mllp_certificate", "", "The server's certificate chain for MLLP with TLS, a PEM file."),
    Setting("mllp_key", "", "The private key of that certificate, a PEM file that only the server can read."),
    Setting(
        "mllp_authorities",
        "",
        "The authorities that sign the peers' certificates, a PEM file. With it a peer without such a certificate is "
        "turned away; a peer listed with a certificate's fingerprint needs it.",
    ),
    *STREAMS,
    Setting("language", "ko", "The language of a new user for whom none is named: `ko` or `en`.", among=("ko", "en")),
    Setting(
        "max_body_bytes",
        16 * 1024 * 1024,
        "The largest request body taken, in bytes; a larger one gets 413. What a larger limit lets in keeps others waiting.",
    ),
    Setting("max_depth", 64, "How deep the JSON of a request may nest, at most 64; deeper gets 400.", within=(1, 64)),
    Setting("max_entries", 1000, "How many entries a batch or transaction may have; more gets 413 naming `$import`."),
    Setting(
        "max_seconds", 30.0, "How long the body of a request may take to come in, in seconds; a slower one gets 408."
    ),
    Setting(
        "outbound_local",
        "",
        "One server of this machine, `127.0.0.1:9000`, that the house may be sent to where a tenant's `[outbound.TENANT]` "
        "list names its host; http is taken there. Empty: none, since what listens here trusts this machine.",
        form=Form("host:port", lambda text: bool(re.fullmatch(r"(([a-z0-9.\-]+|\[[0-9a-f:]+\]):\d{1,5})?", text))),
    ),
    Setting(
        "validation",
        "off",
        "What is asked of a resource that is written, besides the structure that the record cannot do without: `off` "
        "nothing more; `structural` R4's own rules: invariants, required codes, targets of references; `profiles` also the "
        "profiles that it names and what is known of its extensions. `[tenant.NAME]` of the file gives a tenant its own.",
        among=LEVELS,
    ),
    Setting(
        "label_rules",
        "",
        "A TOML file that says which codes put a security label on what is written: `[[assign]]` with `label` and `codes` "
        "as `system|code` (`F1*` for all that begin so) and `source`, where the list is from. Empty: labels are put on by "
        "hand. "
        "`[tenant.NAME]` of the file gives a tenant its own.",
    ),
    Setting(
        "mail_server",
        "",
        "The relay that takes the house's mails: `smtps://relay.example.org:465`, or `smtp://relay.example.org:587`, which "
        "has to offer STARTTLS. It may be inside the hospital; on this machine only as `outbound_local`, without TLS then. "
        "`[outbound.TENANT]` lists the domains in `mail`; patient data are mailed only with `mail_content = true`. "
        "Empty: no mail is sent.",
        form=Form("smtp:// or smtps://, a host and a port", a_relay),
    ),
    Setting(
        "mail_from",
        "onmaru@localhost",
        "The sender of the house's mails.",
        form=Form("a mail address", lambda text: bool(re.fullmatch(r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9.\-]+", text))),
    ),
    Setting(
        "subscription_tries",
        300,
        "How often in a row a notification is tried, with pauses that grow, before its subscription stands in error: 300 "
        "times are about a day. Written again, it goes on where it stood.",
        within=(1, 100_000),
    ),
    Setting(
        "subscription_pause",
        300.0,
        "The longest pause between two tries of a notification, in seconds; the first is one second, each next "
        "twice as long.",
        within=(0.1, 86_400),
    ),
    Setting(
        "job_hours",
        24.0,
        "How long what came of an export or import can be looked at and fetched, in hours; afterwards it is removed.",
        within=(0.001, 8760),
    ),
    Setting(
        "integrity",
        "off",
        "What is done about a reference that leads nowhere, when it is written and when its target is deleted: `off` "
        "nothing; `warn` it is told; `refuse` 422 and 409. `[tenant.NAME]` of the file gives a tenant its own.",
        among=BONDS,
    ),
    Setting(
        "audit_years",
        3,
        "How many years the audit trail is kept at least; nothing younger can be purged. The law asks for 2 of every house "
        "that keeps health data (개인정보의 안전성 확보조치 기준 제8조), and for 3 of the record of who was given which "
        "rights, which is in the trail too. `[tenant.NAME]` of the file gives a tenant its own.",
        within=(LEAST, 100),
    ),
    Setting(
        "audit_purge",
        "never",
        "Whether rows of the audit trail older than that are purged each day: `never`, or `daily`. `onmaru audit purge` "
        "does it once. `[tenant.NAME]` of the file gives a tenant its own.",
        among=("never", "daily"),
    ),
    Setting("search_horizon_hours", 24, "How long the pages of a search stay open, in hours; afterwards 410."),
)

NAMES = frozenset(setting.name for setting in SETTINGS)
TABLES = frozenset({"room", "mllp", "outbound", "tenant", "oidc"})
OF_TENANT = frozenset({"validation", "integrity", "label_rules", "audit_years", "audit_purge"})


def load(environ: Mapping[str, str] = os.environ) -> Mapping[str, Chosen]:
    """Every setting's value and origin. Refuses a wrong type, and a name in the file that no setting has."""
    home = str(Path(environ.get("ONMARU_HOME") or str(HOME.default)).expanduser().resolve())
    written = _read(Path(home) / "onmaru.toml")
    chosen = {setting.name: _choose(setting, environ, written) for setting in SETTINGS}
    for setting in SETTINGS:
        _bounded(setting, chosen[setting.name].value)
    return {**chosen, "home": Chosen(home, chosen["home"].origin)}


class Declared(Protocol):
    """What a setting of the house and a setting of a room have in common."""

    @property
    def name(self) -> str: ...
    @property
    def default(self) -> Any: ...


def room_settings(room: str, declared: Iterable[Declared], environ: Mapping[str, str] = os.environ) -> dict[str, Value]:
    """A room's own settings: table `[room.NAME]` of the file, `ONMARU_ROOM_NAME` in the environment."""
    home = Path(str(load(environ)["home"].value))
    table = _read(home / "onmaru.toml").get("room", {}).get(room, {})
    prefix = f"ONMARU_{room.upper()}_"
    return {setting.name: _choose(setting, environ, table, prefix).value for setting in declared}


def of_tenant(name: str, tenant: str, environ: Mapping[str, str] = os.environ) -> Any:
    """A setting as it holds for one tenant: that of `[tenant.NAME]` in the settings file, else the house's."""
    setting = next(one for one in SETTINGS if one.name == name)
    given = table("tenant", environ).get(tenant, {})
    unknown = given.keys() - OF_TENANT
    if unknown:
        raise Refusal(f"[tenant.{tenant}]: a tenant cannot be given {', '.join(sorted(unknown))}")
    if name not in given:
        return load(environ)[name].value
    if type(given[name]) is not type(setting.default):
        raise Refusal(f"[tenant.{tenant}]: {name}: {type(setting.default).__name__} wanted")
    _bounded(setting, given[name])
    return given[name]


def table(name: str, environ: Mapping[str, str] = os.environ) -> Any:
    """A table of the settings file, such as `[[mllp.peer]]`, as it is written; {} when it is not there."""
    return _read(Path(str(load(environ)["home"].value)) / "onmaru.toml").get(name, {})


def _read(file: Path) -> dict[str, Any]:
    try:
        written = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refusal(f"{file}: {error}") from error
    for name in written:
        if name not in NAMES - {"home"} | TABLES:
            raise Refusal(f"{file}: there is no setting {name} to give here; `onmaru settings` lists them")
    return written


def _choose(
    setting: Declared, environ: Mapping[str, str], written: Mapping[str, Any], prefix: str = "ONMARU_"
) -> Chosen:
    variable = prefix + setting.name.upper()
    kind = type(setting.default)
    if variable in environ:
        return Chosen(_parse(kind, environ[variable], variable), "environment")
    if setting.name in written:
        value = written[setting.name]
        if type(value) is not kind and not (kind is float and type(value) is int):
            raise Refusal(f"setting {setting.name}: {kind.__name__} wanted, {type(value).__name__} found")
        return Chosen(kind(value), "file")
    return Chosen(setting.default, "default")


def _bounded(setting: Setting, value: Value) -> None:
    if setting.among and value not in setting.among:
        raise Refusal(f"setting {setting.name}: one of {', '.join(setting.among)} wanted")
    if setting.form is not None and not setting.form.holds(str(value)):
        raise Refusal(f"setting {setting.name}: {setting.form.words} wanted")
    low, high = setting.within
    if not isinstance(value, str) and not low <= value <= high:
        raise Refusal(f"setting {setting.name}: a number from {low} to {high} wanted")


def _parse(kind: type[Value], text: str, variable: str) -> Value:
    if kind is bool:
        known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
        if text.lower() not in known:
            raise Refusal(f"{variable}: write yes or no")
        return known[text.lower()]
    try:
        return kind(text)
    except ValueError:
        raise Refusal(f"{variable}: {kind.__name__} wanted") from None
