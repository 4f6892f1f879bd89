"""The lake for SQL clients by Arrow Flight SQL: a token of this house is the login, each statement passes the one gate."""
