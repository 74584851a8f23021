"""Which SQLite the tests use: Python's own, or the newer one of the package `pysqlite3-binary`.

`RECON_TESTS_SQLITE=newer` chooses the package. It then stands in for the module `sqlite3` in this
process; commands that tests start as processes keep Python's.
"""

from __future__ import annotations

import os
import sys

ORIGIN = "Python"

if os.environ.get("RECON_TESTS_SQLITE") == "newer":
    # Plain Python, which the package does not have.
    import sqlite3.dump  # noqa: F401

    import pysqlite3
    from pysqlite3 import dbapi2

    ORIGIN = "pysqlite3-binary"
    sys.modules["sqlite3"] = pysqlite3
    sys.modules["sqlite3.dbapi2"] = dbapi2
