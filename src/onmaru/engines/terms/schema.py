"""The file of one code system: concepts by number, what is said of them, their lines up and down as bitmaps, and its words.

`kept` holds its About, how far a load has come, and the sets that are asked for most.
"""

from __future__ import annotations

SCHEMA = """
CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS concept (
    n INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, display TEXT NOT NULL, definition TEXT NOT NULL,
    flags INTEGER NOT NULL, alias INTEGER
);
CREATE UNIQUE INDEX IF NOT EXISTS concept_alias ON concept (alias) WHERE alias IS NOT NULL;
CREATE TABLE IF NOT EXISTS designation (
    n INTEGER, language TEXT, value TEXT, use BLOB NOT NULL, PRIMARY KEY (n, language, value)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS named (p INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS property (
    p INTEGER, value TEXT, n INTEGER, kind TEXT NOT NULL, more BLOB, PRIMARY KEY (p, value, n)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS property_of ON property (n);
CREATE TABLE IF NOT EXISTS link (child INTEGER, parent INTEGER, PRIMARY KEY (child, parent)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS line (n INTEGER PRIMARY KEY, parents BLOB, children BLOB, above BLOB, below BLOB);
CREATE TABLE IF NOT EXISTS refused (number INTEGER PRIMARY KEY, file TEXT, line INTEGER, reason TEXT);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (line, content='', columnsize=0, tokenize='ascii');
"""
ABSTRACT, INACTIVE = 1, 2
