"""Hospital formats: pure functions from bytes to resources with provenance, and the listeners that feed them."""
