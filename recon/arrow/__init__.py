"""What a database answers, as Arrow columns: the fast way to read very many rows.

The plain way makes a Python object of each cell, which takes most of the time that reading takes.
PostgreSQL gives columns through another driver, see `postgres`; SQLite strings a column together
itself, see `sqlite`.

The caller must be able to do without: all that such a way cannot do, or in which it fails, is
`ArrowUnavailable`, and then the plain way gives the answer, or says in its words why there is none.
"""


class ArrowUnavailable(Exception):  # noqa: N818 - no error: another way is taken
    """This answer has to be asked for in the plain way."""
