"""Proofs, one module a group of points; each module has a tuple `PROOFS`, and needs nothing but this checkout."""
