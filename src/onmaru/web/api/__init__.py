"""The JSON API of the interface: what is no FHIR resource and belongs to no room."""
