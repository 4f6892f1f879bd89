"""`python -m onmaru.app` is the command line."""

from onmaru.app.cli import main

main()
