"""What bodies are compressed with: made by `tools/build_body_dictionary.py`, shipped once and never changed."""
