"""`recon init`: a first configuration that fits the records."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from recon.cli import common, common_options
from recon.errors import OutputError, UsageError

if TYPE_CHECKING:
    from recon.config.starter import Starter
    from recon.core.column_guess import Guess
    from recon.records.source_sample import Columns

_SOURCES: Final = ("sqlite", "postgresql", "mysql", "file")
#: What people write, and the driver that comes with recon or is documented.
_DRIVERS: Final = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
_EXAMPLES: Final = {
    "postgresql": "postgresql+psycopg://readonly@db.example.com/shop",
    "mysql": "mysql+pymysql://readonly@db.example.com/shop",
}


_KEY_VARIABLE: Final = "OCTOPODS_API_KEY"


@click.command("init")
@click.option("--source", type=click.Choice(_SOURCES), help="Where your records are.")
@click.option("--url", metavar="URL", help="Their database, as an SQLAlchemy URL.")
@click.option(
    "--file",
    type=common_options.PathParam(),
    metavar="PATH",
    help="Their file: SQLite, CSV, Parquet, JSON.",
)
@click.option("--table", metavar="NAME", help="The table or view that holds them.")
@click.option("--timezone", metavar="ZONE", help="Your time zone, such as Europe/Dublin.")
@click.option("--region", metavar="CC", help="Country of numbers without a country code.")
@click.option(
    "--account", default="main", show_default=True, metavar="NAME", help="Name of the account."
)
@click.option(
    "--api-key-env",
    show_default=_KEY_VARIABLE,
    metavar="NAME",
    help="The environment variable that holds its API key.",
)
@click.option(
    "--api-key-file",
    type=common_options.PathParam(),
    metavar="FILE",
    help="Or the file that holds it. If missing, it is created, readable by you only.",
)
@click.option(
    "--base-url", metavar="URL", help="Another address of Octopods, such as a simulated one."
)
@click.option(
    "--output",
    type=common_options.PathParam(),
    metavar="FILE",
    help="The file to write. Default: --config, or recon.toml.",
)
@click.option("--force", is_flag=True, help="Replace an existing file.")
@common.pass_session
def command(
    session: common.Session,
    *,
    source: str | None,
    url: str | None,
    file: Path | None,
    table: str | None,
    timezone: str | None,
    region: str | None,
    account: str,
    api_key_env: str | None,
    api_key_file: Path | None,
    base_url: str | None,
    output: Path | None,
    force: bool,
) -> int:
    """Write a first configuration that fits your records.

    Reads the columns and some rows of a table or file, proposes the column of each field and the
    meaning of your statuses, and writes them with comments. On a terminal it asks for what the
    options do not say. Writes no secret; creates nothing else except an empty --api-key-file.
    `recon check` says what remains to be done.
    """
    from recon import config
    from recon.config import starter as starters
    from recon.config import zone_country
    from recon.core import column_guess
    from recon.report import atomic_files

    target = output or session.config or config.DEFAULT_PATH
    if target.exists() and not force:
        raise OutputError(
            f"{target.absolute()} already exists and is not replaced",
            hint="Give --force to replace it, or --output FILE for another one.",
        )
    if api_key_env is not None and api_key_file is not None:
        raise UsageError("Give --api-key-env or --api-key-file, not both.")
    if api_key_file is not None:
        api_key_file = api_key_file.absolute()
    asks = sys.stdin.isatty()
    url, file = _source(source, url, file, asks=asks)
    zone = timezone or (click.prompt("Your time zone", default="UTC") if asks else "UTC")
    table, columns = _sample(url, file, table, zone, asks=asks)
    guess = column_guess.guess(columns)
    words = [
        starters.Word(word, count, column_guess.meaning(word))
        for word, count in guess.words.items()
    ]
    starter = starters.Starter(
        account=account,
        api_key_env=api_key_env or _KEY_VARIABLE,
        api_key_file=api_key_file,
        columns=guess.columns,
        url=None if url is None else config.SecretUrl(url),
        file=file,
        table=table,
        words=tuple(words),
        timezone=zone,
        default_region=region or guess.region,
        zone_region=zone_country.of_zone(zone),
        region_note=_region_note(guess, region),
        base_url=base_url,
        sampled=max(map(len, columns.values()), default=0),
    )
    text = starters.text(starter)
    with atomic_files.staged(target.absolute(), [text.encode()]) as put_in_place:
        put_in_place()
    config.load(target, {})
    if api_key_file is not None and not api_key_file.exists():
        with atomic_files.staged(api_key_file, []) as put_in_place:
            put_in_place()
    _show(starter, target, guess)
    return 0


def _source(
    source: str | None, url: str | None, file: Path | None, *, asks: bool
) -> tuple[str | None, Path | None]:
    """Return the URL or the file of the records, as options or the person say."""
    if url is not None and file is not None:
        raise UsageError("Give --url or --file, not both.")
    if url is None and file is None:
        if not asks:
            raise UsageError("Say where your records are: --url URL, or --file PATH.")
        source = source or click.prompt(
            "Where are your records?", type=click.Choice(_SOURCES), default="sqlite"
        )
        if source in _EXAMPLES:
            url = click.prompt(f"Its URL (such as {_EXAMPLES[source]})")
        else:
            file = Path(click.prompt("Path of the file"))
    if url is not None:
        scheme, found, rest = url.partition("://")
        if not found:
            raise UsageError("--url is not a database URL; write one such as sqlite:///sends.db.")
        return f"{_DRIVERS.get(scheme.lower(), scheme)}://{rest}", None
    assert file is not None
    if source == "sqlite" or (source is None and _is_sqlite(file)):
        return f"sqlite:///{file}", None
    return None, file


def _is_sqlite(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(15) == b"SQLite format 3"
    except OSError:
        return file.suffix in {".db", ".sqlite", ".sqlite3"}


def _sample(
    url: str | None, file: Path | None, table: str | None, zone: str, *, asks: bool
) -> tuple[str | None, Columns]:
    """Return the table, and its columns or those of the file with some values."""
    from recon.records import source_sample

    if url is None:
        assert file is not None
        return table, source_sample.of_file(file)
    if table is None:
        table = _table(source_sample.table_names(url, zone), asks=asks)
    return table, source_sample.of_table(url, table, zone)


def _table(names: list[str], *, asks: bool) -> str:
    if len(names) == 1:
        return names[0]
    if not names:
        raise UsageError(
            "The database has no table; give the --url of the database with your records."
        )
    if not asks:
        raise UsageError(f"Give --table NAME; the tables are: {', '.join(names)}")
    return str(click.prompt("Table", type=click.Choice(names)))


def _region_note(guess: Guess, region: str | None) -> str:
    if not guess.numbers:
        return ""
    if not guess.national:
        return f"All {guess.numbers:,} numbers in the sample have one."
    seen = f"{guess.national:,} of {guess.numbers:,} numbers in the sample have none"
    if region:
        return f"{seen}."
    if guess.region:
        return f"{seen}; nearly all others are from {guess.region}, so this is a guess."
    return f"{seen}: set it, or they are compared by their last digits only."


def _show(starter: Starter, target: Path, guess: Guess) -> None:
    click.echo(f"written: {target.absolute()}")
    for field, column in guess.columns.items():
        click.echo(f"  {field:<12} = {column or 'no column was recognised'}")
    unknown = [word.word for word in starter.words if word.meaning is None]
    if unknown:
        click.echo(f"  say what these statuses mean: {', '.join(unknown)}")
    option = (
        "" if target.name == "recon.toml" and not target.is_absolute() else f"--config {target} "
    )
    key = f"set {starter.api_key_env}"
    if starter.api_key_file is not None:
        key = f"put the API key into {starter.api_key_file}"
    click.echo(f"next: look through the file, {key}, and run `recon {option}check`")
