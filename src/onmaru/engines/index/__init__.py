"""The search index as every SQL engine keeps it: tables, planner and follower; an engine gives only the connection."""
