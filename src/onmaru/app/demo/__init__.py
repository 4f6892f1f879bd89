"""The demo: a house of its own into which the simulated hospital sends through the real doors, live or once to the end."""
