"""Engines behind the kernel's doors: memory (the oracle) and sqlite (the embedded default)."""
