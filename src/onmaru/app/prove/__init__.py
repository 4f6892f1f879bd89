"""Proofs, one module a group of points, with a tuple `PROOFS`; what they share lies in modules without one."""
