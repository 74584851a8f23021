"""Read what is stored: open errors of the last days, and how the days went.

Run `python examples/open_findings.py [recon.toml]`. It only reads the store.
"""

from __future__ import annotations

import sys

from recon import api

url = api.store_url(sys.argv[1] if len(sys.argv) > 1 else None)
runs = api.read_runs(url).tail(30)
print(
    runs[["date", "account", "verdict", "records", "messages", "findings"]].to_string(index=False)
)

errors = api.read_findings(url, states=["open"], severity="error")
print()
print(errors.groupby(["date", "account", "kind"]).size().rename("open").reset_index().to_string())
