"""Subscriptions wired: the book of owners beside the record, the station that follows it, and the ways out."""
