"""Checks of FHIR resources beside those of the CDM: the same counts, thresholds and verdicts, over the record itself."""
