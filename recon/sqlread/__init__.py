"""Read results of SQL databases as batches of columns, in the fastest possible way.

Use `read` in `query` for results that may have very many rows, and `read_rows` in `driver_rows` for
all others. Only `read` uses the other modules.
"""
