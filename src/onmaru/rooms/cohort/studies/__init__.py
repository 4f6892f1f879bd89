"""What became of a cohort, one file a kind of study: each counts in its own script over cohorts that were run before."""
