"""A first configuration loads as it is written, and holds no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from recon import config
from recon.config import SecretUrl
from recon.config.starter import Starter, Word, text

COLUMNS = {"id": "pk", "message_id": "oid", "phone_number": "", "sent_at": "at", "status": "st"}


def loaded(starter: Starter, path: Path) -> config.Settings:
    path.write_text(text(starter), encoding="utf-8")
    return config.load(path, {})


def test_what_was_found_is_what_is_loaded(tmp_path: Path) -> None:
    words = (Word("queued", 3, "not_sent"), Word("Sent", 9, "sent"), Word('we"ird', 1, None))
    starter = Starter(
        account="main",
        api_key_env="KEY",
        columns=COLUMNS,
        url=SecretUrl("sqlite:///sends.db"),
        table='se"nds',
        words=words,
        timezone="Europe/Dublin",
        default_region="IE",
        base_url="http://127.0.0.1:8090",
        sampled=13,
    )
    settings = loaded(starter, tmp_path / "recon.toml")
    local = settings.accounts["main"].local
    assert local.columns.model_dump(exclude={"category"}) == COLUMNS
    assert (local.table, dict(local.statuses)) == ('se"nds', {"queued": "not_sent"})
    assert (settings.timezone, settings.matching.default_region) == ("Europe/Dublin", "IE")
    assert settings.octopods.base_url == "http://127.0.0.1:8090"
    assert '"we\\"ird"' in text(starter)


@pytest.mark.parametrize("name", ["main", "eu-west.1", "2nd"])
def test_where_nothing_was_recognised_it_loads_all_the_same(name: str, tmp_path: Path) -> None:
    starter = Starter(account=name, api_key_env="KEY", columns={}, file=Path("sends.csv"))
    local = loaded(starter, tmp_path / "recon.toml").accounts[name].local
    assert local.columns.message_id == "message_id"
    assert local.columns.sent_at == "sent_at"
    assert "No column was recognised" in text(starter)


def test_no_password_and_no_option_of_a_url_is_written(tmp_path: Path) -> None:
    url = SecretUrl("postgresql+psycopg://app:hunter2@db/shop?sslpassword=hunter2")
    starter = Starter(account="main", api_key_env="KEY", columns=COLUMNS, url=url, table="sends")
    written = text(starter)
    assert "hunter2" not in written
    assert "RECON_ACCOUNTS__MAIN__LOCAL__URL" in written
    local = loaded(starter, tmp_path / "recon.toml").accounts["main"].local
    assert local.url is not None
    assert local.url.get_secret_value() == "postgresql+psycopg://app@db/shop"
