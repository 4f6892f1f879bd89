"""Streams: what devices say, whose it is, in which order it was measured and what is made of it."""
