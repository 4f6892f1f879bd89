"""Loaders of code systems in the form in which their owners deliver them; none of the content is shipped."""
