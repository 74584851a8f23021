"""The error that all modules share that read results as Arrow columns."""


class ArrowUnavailable(Exception):  # noqa: N818 - no error: the rows of the driver are read instead
    """This result is not available as Arrow columns with exactly the driver's values.

    Then the driver reads the result, or raises its own error.
    """
