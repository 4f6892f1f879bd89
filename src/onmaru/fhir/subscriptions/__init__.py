"""Subscriptions without any store: what one asks for, when a topic's trigger fires, what a notification looks like.

Classic R4 (criteria are a search) and topic-based (Subscriptions R5 Backport IG 1.1 for R4); pure, like all of `fhir`.
"""
