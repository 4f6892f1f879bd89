"""Onmaru, the hall that every room opens onto: one log of facts, and everything else a projection of it."""

__version__ = "0.1.0"
