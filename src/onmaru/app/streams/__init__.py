"""Streams wired: sources, the journal that they are acknowledged from, and what becomes of it in the record."""
