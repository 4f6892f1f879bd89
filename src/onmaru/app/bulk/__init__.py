"""Work in the background of a running house: exports and imports, kept as Tasks."""
