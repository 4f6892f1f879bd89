"""Pure FHIR R4: structure, verbatim tokens, search keys and queries. No input or output happens here."""
