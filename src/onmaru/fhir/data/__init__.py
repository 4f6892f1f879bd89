"""Data generated from official FHIR packages by the scripts in `tools/`; never edited by hand."""
