"""A town's whole record as resources, seeded: person by person, for tables that are to be large. No message is made.

Its one law: a person is made from the seed and a number alone, so that the first ten thousand of a million are those of
ten thousand.
"""

from onmaru.simulate.town.parts import PART, Town

__all__ = ["PART", "Town"]
