"""Views at the command line: run one on files, and run the published suite's cases on an engine."""
