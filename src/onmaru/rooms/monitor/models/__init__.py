"""Risk models in a tenant's own registry: what was registered, limited, back-tested, approved and withdrawn, and by whom."""
