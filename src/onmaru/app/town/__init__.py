"""`onmaru simulate`: a home whose lake is a simulated town of any size, for trials of what asks the lake."""
