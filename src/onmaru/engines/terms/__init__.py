"""Large code systems kept apart from the record: one encrypted file for each system and version of a tenant."""
