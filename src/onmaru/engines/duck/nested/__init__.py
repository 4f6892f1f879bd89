"""Resource tables: one nested table a FHIR type, followed from the log, in which every version of every resource stays.

Its one law: a row is true from its position to the one that ended it, so that any past of the record can be asked again.
"""
