"""Columnar tables: encrypted Parquet files under a manifest, queried by DuckDB that itself may open no file."""
