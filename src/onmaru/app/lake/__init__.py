"""`onmaru lake`: the resource tables seen, asked and given out, as commands in a Hall like those of a room."""
