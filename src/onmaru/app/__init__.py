"""The only wing that knows everybody: command line, settings, wiring and demo."""
