"""The HTTP face: FHIR REST, sessions, room routes and the built pages."""
