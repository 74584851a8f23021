"""The user's own records: a SQL table or query, CSV, Parquet or JSON Lines. They are only read."""
