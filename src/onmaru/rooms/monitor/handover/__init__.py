"""Handing a ward over: what the record says of each patient since a shift began, and who gave whom over to whom."""
