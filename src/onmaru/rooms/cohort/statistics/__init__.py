"""Numbers from tables of times and covariates. Pure: no record, no lake; each method names where it is told."""
