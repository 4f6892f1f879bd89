"""The SQL that makes the CDM tables: one file a step, and the columns that are made of one row each."""
