"""Risk models of the monitor: trained, calibrated and judged on measured stays, never on simulated ones (extra `ml`)."""
