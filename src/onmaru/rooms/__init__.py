"""Rooms: each a folder that opens onto the hall and knows no other room."""
