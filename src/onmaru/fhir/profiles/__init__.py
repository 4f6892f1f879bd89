"""Validation against profiles: what R4's definitions, or a package's, say beyond the shape of the JSON."""
