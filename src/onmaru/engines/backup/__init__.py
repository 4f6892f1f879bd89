"""Backups: what a tenant's log, audit and blobs hold, in objects that are written once and never changed."""
