"""Case review: a patient's course played again as it was known then, and its file for a meeting."""
