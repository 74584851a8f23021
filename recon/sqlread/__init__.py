"""Answers of SQL databases as batches of columns, read in the fastest way that is possible.

`read` in `query` is for answers that may have very many rows, `read_rows` in `driver_rows` for all
others. The other modules are the ways that `read` takes; nobody else uses them or knows of them.
"""
