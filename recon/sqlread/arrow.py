"""What the ways that read answers as Arrow columns have in common."""


class ArrowUnavailable(Exception):  # noqa: N818 - no error: the rows of the driver are read instead
    """This answer cannot be had as Arrow columns, or they would not be exactly the driver's values.

    The driver then gives the answer, or says in its words why there is none.
    """
