"""WHO's summary measures of health inequality. Pure: groups of persons in, numbers out; each file names where it is told."""
