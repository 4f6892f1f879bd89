"""A synthetic Korean hospital, seeded and deterministic; nothing measured on it is ever shown as accuracy."""
