from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from recon import config
from recon.config import Settings
from recon.errors import ConfigError

Load = Callable[..., Settings]
Refused = Callable[..., list[str]]

#: An account that has nothing wrong with it.
ACCOUNT = """
[accounts.main]
api_key_env = "OCTOPODS_API_KEY"
[accounts.main.local]
url = "postgresql+psycopg://shop:hunter2@db/shop"
table = "sends"
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty directory, whose `recon.toml` is nobody's."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load a text as `recon.toml`, with variables over it; a good account is added to it."""

    def loaded(text: str = "", account: str = ACCOUNT, **environ: str) -> Settings:
        path = tmp_path / "recon.toml"
        path.write_text(f"{text}\n{account}", encoding="utf-8")
        return config.load(path, environ)

    return loaded


@pytest.fixture
def refused(load: Load) -> Refused:
    """Load what has errors, and return them."""

    def errors(text: str = "", account: str = ACCOUNT, **environ: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load(text, account, **environ)
        return [line.strip() for line in str(caught.value).splitlines()[1:]]

    return errors
