"""The FHIR R4 REST interface: handlers of one shape, found by the shape of the path."""
