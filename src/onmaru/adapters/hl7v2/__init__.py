"""HL7 v2: pure functions from ER7 bytes to messages, from messages to FHIR R4 resources, and to acknowledgements."""
