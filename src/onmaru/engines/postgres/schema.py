"""The tables of one tenant's schema; what they hold is told in docs/kernel/store.md and docs/operate/postgresql.md."""

from __future__ import annotations

import re

from onmaru.engines.postgres import groups
from onmaru.engines.postgres.link import Link
from onmaru.engines.sqlite import schema as index

FORMAT = b"1"
# What the index holds is the same on both engines, and lies otherwise; one of another format is made anew (renewal.py)
INDEX = f"{index.FORMAT}.2".encode()
# Column types of each table that rows are put into as arrays, in order
ENTRY = ("int8", "int4", "text", "int8", "text", "text", "text", "int8", "bytea", "bytea")
BODY = ("int8", "bytea", "text", "text", "bytea")
TYPES = {
    "res": ("int4", "int4", "text"),
    "sys": ("int4", "text"),
    "ver": ("int4", "int4", "int4", "int4", "text"),
    "dead": ("int4", "int4"),
    "comp": ("int4", "int4"),
    "link": ("int4", "int4"),
    "heir": ("int4", "int4"),
    "pc": ("int4", "int4", "int8", "int4", "int4"),
    "tok": ("int4", "int8", "int4", "int4"),
    "ref": ("int4", "int4", "int4"),
    "dat": ("int4", "int8", "int8", "int4"),
    "str": ("int4", "text", "int4"),
    "qty": ("int4", "float8", "int8", "int4", "int4"),
    "txt": ("int4", "text", "int8", "int4"),
}
# What the columns of each are called
COLUMNS = {
    "ver": ("t", "rid", "type", "live", "pats"),
    "hist": ("rid", "t"),
    "dead": ("by", "t"),
    "comp": ("rid", "t"),
    "link": ("rid", "t"),
    "heir": ("rid", "t"),
    "pc": ("rid", "sp", "c", "s", "t"),
    "tok": ("sp", "c", "s", "t"),
    "ref": ("sp", "rid", "t"),
    "dat": ("sp", "lo", "hi", "t"),
    "str": ("sp", "norm", "t"),
    "qty": ("sp", "value", "c", "s", "t"),
    "txt": ("sp", "norm", "c", "s"),
}
_LOG = """
CREATE TABLE entry(
  t int8 PRIMARY KEY, ver int4 NOT NULL, op text NOT NULL, at int8 NOT NULL, caller text NOT NULL,
  purpose text NOT NULL, request text NOT NULL, epoch int8 NOT NULL, com bytea NOT NULL, seal bytea NOT NULL);
CREATE TABLE body(t int8 PRIMARY KEY, salt bytea, type text, id text, z bytea);
ALTER TABLE body ALTER COLUMN z SET STORAGE EXTERNAL;
CREATE TABLE erased(t int8 PRIMARY KEY, by int8 NOT NULL);
CREATE TABLE head(
  one int4 PRIMARY KEY CHECK (one = 1), t int8 NOT NULL, at int8 NOT NULL, seal bytea NOT NULL, epoch int8 NOT NULL,
  rid int4 NOT NULL) WITH (fillfactor = 10);
CREATE TABLE mark(worker text PRIMARY KEY, t int8 NOT NULL) WITH (fillfactor = 10);
CREATE TABLE tail(one int4 PRIMARY KEY CHECK (one = 1), n int8 NOT NULL, next int8 NOT NULL, seal bytea NOT NULL)
  WITH (fillfactor = 10);
CREATE TABLE block(n int8 PRIMARY KEY, first int8 NOT NULL, rows bytea NOT NULL, seal bytea NOT NULL);
CREATE TABLE seen(n int8 PRIMARY KEY, at int8, "user" text, block int8);
CREATE TABLE whose(patient text, n int8, PRIMARY KEY(patient, n));
CREATE INDEX seen_user ON seen("user", n);
CREATE TABLE fact(name text PRIMARY KEY, value bytea);
"""
_NAMED = """
CREATE TABLE IF NOT EXISTS res(rid int4 PRIMARY KEY, type int4, id text COLLATE "C");
CREATE TABLE IF NOT EXISTS sys(s int4 PRIMARY KEY, url text);
ALTER TABLE res DROP CONSTRAINT IF EXISTS res_type_id_key;
CREATE INDEX IF NOT EXISTS res_of ON res USING hash(id);
"""
INDEXED = """
CREATE TABLE ver(t int4 PRIMARY KEY, rid int4, type int4, live int4, pats text);
CREATE INDEX ver_of ON ver(rid, t);
CREATE VIEW hist AS SELECT rid, t FROM ver;
CREATE TABLE dead(by int4, t int4, PRIMARY KEY(by, t));
CREATE TABLE link(rid int4, t int4, PRIMARY KEY(rid, t));
CREATE INDEX link_of ON link(t);
CREATE TABLE heir(rid int4, t int4, PRIMARY KEY(rid, t));
CREATE INDEX heir_of ON heir(t);
CREATE TABLE str(sp int4, norm text COLLATE "C", t int4);
CREATE INDEX str_of ON str(sp, left(norm, 100), t);
CREATE TABLE qty(sp int4, value float8, c int8, s int4, t int4);
CREATE INDEX qty_of ON qty(sp, value);
CREATE TABLE txt(sp int4, norm text COLLATE "C", c int8, s int4);
CREATE UNIQUE INDEX txt_of ON txt(sp, c, s, md5(norm));
""" + groups.made(COLUMNS, TYPES)
_FUNCTIONS = """
CREATE FUNCTION instr(held text, sought text) RETURNS int4 LANGUAGE sql IMMUTABLE AS $$ SELECT strpos(held, sought) $$;
CREATE FUNCTION recorded_before(us int8, top int8) RETURNS int8 LANGUAGE plpgsql STABLE AS $$
DECLARE low int8 := 0; high int8 := top; middle int8;
BEGIN
  WHILE low < high LOOP
    middle := (low + high + 1) / 2;
    IF (SELECT at FROM entry WHERE t = middle) < us THEN low := middle; ELSE high := middle - 1; END IF;
  END LOOP;
  RETURN low;
END $$;
CREATE FUNCTION settle(who text, reached int8) RETURNS int8 LANGUAGE sql AS $$
  INSERT INTO mark VALUES (who, reached) ON CONFLICT (worker) DO UPDATE SET t = greatest(mark.t, excluded.t);
  SELECT pg_notify('onmaru', current_schema() || ' ' || who);
  SELECT coalesce(max(t), 0) FROM mark;
$$;
"""
# The database keeps samples of what columns hold: none of words and logical ids, which an erasure could not take back. The
# planner needs none, for every plan is one range of one index
_WORDLESS = """
ALTER TABLE str ALTER norm SET STATISTICS 0; ALTER INDEX str_of ALTER 2 SET STATISTICS 0;
ALTER TABLE txt ALTER norm SET STATISTICS 0; ALTER INDEX txt_of ALTER 4 SET STATISTICS 0;
"""
_UNSAMPLED = f"""
ALTER TABLE body ALTER id SET STATISTICS 0; ALTER TABLE res ALTER id SET STATISTICS 0;
ALTER TABLE whose ALTER patient SET STATISTICS 0;{_WORDLESS}INSERT INTO fact VALUES('unsampled', '') ON CONFLICT DO NOTHING;
"""
# A column whose type is said anew loses its samples, and an index on it is made anew
_FORGOTTEN = """
ALTER TABLE body ALTER id TYPE text; ALTER TABLE whose ALTER patient TYPE text;
ALTER TABLE res ALTER id TYPE text COLLATE "C";
DROP INDEX str_of; ALTER TABLE str ALTER norm TYPE text COLLATE "C"; CREATE INDEX str_of ON str(sp, left(norm, 100), t);
DROP INDEX txt_of; ALTER TABLE txt ALTER norm TYPE text COLLATE "C"; CREATE UNIQUE INDEX txt_of ON txt(sp, c, s, md5(norm));
"""
_TENANT = re.compile(r"[a-z][a-z0-9-]{0,39}")


def schema_of(tenant: str) -> str:
    """The schema of a tenant."""
    if not _TENANT.fullmatch(tenant):
        raise ValueError("not a tenant's name")
    return f"onmaru-{tenant}"


def prepare(link: Link, tenant: str, genesis: tuple[bytes, bytes]) -> None:
    """Make the tenant's schema where it is not there; `genesis` is what the chains of log and audit begin with."""
    schema = schema_of(tenant)
    there = "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = ?"
    if link.execute(there, (schema,)):
        return
    with link.transaction():
        # Two workers that begin together make it once
        link.execute("SELECT 1 FROM pg_advisory_xact_lock(7295301)")
        if link.execute(there, (schema,)):
            return
        link.script(f'CREATE SCHEMA "{schema}"')
        link.script(_LOG + _NAMED + INDEXED + _FUNCTIONS + _UNSAMPLED)
        begin(link, genesis)


def remake(link: Link) -> None:
    """Have the index's tables empty, however another version made them; which resource has which key stays."""
    own = [*COLUMNS, *(group.table for group in groups.GROUPS.values())]
    there = (
        "SELECT relname, relkind::text FROM pg_class"
        " WHERE relnamespace = current_schema::regnamespace AND relname = ANY(?)"
    )
    # Views come first
    for name, kind in sorted(link.execute(there, (own,)), key=lambda one: one[1] != "v"):
        link.script(f"DROP {'VIEW' if kind == 'v' else 'TABLE'} {name}")
    link.script(_NAMED + INDEXED + _WORDLESS)


def unsample(link: Link) -> None:
    """Have no samples of words kept, also where an earlier version let the database take some."""
    if link.execute("SELECT 1 FROM fact WHERE name = 'unsampled'"):
        return
    with link.transaction():
        link.execute("SELECT t FROM head FOR UPDATE")
        link.script(_FORGOTTEN + _UNSAMPLED)


def begin(link: Link, genesis: tuple[bytes, bytes]) -> None:
    """The rows that an empty tenant has."""
    link.execute("INSERT INTO head VALUES(1, 0, 0, ?, 1, 0)", (genesis[0],))
    link.execute("INSERT INTO tail VALUES(1, 0, 1, ?)", (genesis[1],))
    link.execute("INSERT INTO fact VALUES('format', ?), ('index', ?)", (FORMAT, INDEX))


def drop(address: str, tenant: str) -> None:
    """Destroy a tenant: its schema with all that is in it, its key and its accounts."""
    link = Link(address, "")
    try:
        link.script(f'DROP SCHEMA IF EXISTS "{schema_of(tenant)}" CASCADE')
        if link.execute("SELECT to_regclass('onmaru.tenant')::text").get:
            for table, column in (("tenant", "name"), ("account", "tenant"), ("given", "tenant"), ("client", "tenant")):
                link.execute(f"DELETE FROM onmaru.{table} WHERE {column} = ?", (tenant,))
    finally:
        link.close()


def tenants(link: Link) -> list[str]:
    """The tenants that have a schema."""
    found = link.execute("SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname LIKE 'onmaru-%' ORDER BY 1")
    return [name.removeprefix("onmaru-") for (name,) in found]
