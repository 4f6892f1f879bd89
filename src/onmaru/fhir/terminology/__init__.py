"""Code systems, value sets and concept maps: R4's terminology service as pure functions of definitions."""
