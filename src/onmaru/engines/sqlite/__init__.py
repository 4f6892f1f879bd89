"""The embedded default: one folder a tenant with three encrypted SQLite files, one home process, group commit."""
