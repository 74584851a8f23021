"""The types of single values in the configuration, each with its check and its message."""

from __future__ import annotations

import copyreg
import difflib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, Secret

from recon.config.section import invalid, is_blank
from recon.core.near_words import are_opposites
from recon.model import NOT_SENT, Status

Value = TypeVar("Value")

_CODES: Final = """
AC AD AE AF AG AI AL AM AO AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS
BT BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG
EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GT GU GW GY HK HN HR HT
HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR
LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF
NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD
SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TA TC TD TG TH TJ TK TL TM TN TO TR TT TV TW
TZ UA UG US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
"""

#: Where `default_region` may point to: the regions that the number parser knows (ISO 3166-1, and
#: the codes AC, TA and XK that Unicode CLDR adds for Ascension, Tristan da Cunha and Kosovo).
REGIONS: Final = frozenset(_CODES.split())

#: What people write for a country whose code is another.
_COUNTRY_SLIPS: Final = {"UK": "GB", "EL": "GR", "EN": "GB"}

#: A longer text is no slip of a name.
_LONGEST_NAME: Final = 200

_STATUS_WORDS: Final = (*(status.value for status in Status), NOT_SENT)
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\+[A-Za-z0-9_]+)?://")
_ADDRESS: Final = re.compile(r"(?:[^<>@\r\n]*<)?[^<>@\s,;]+@[^<>@\s,;]+>?")


def closest(word: str, known: Iterable[str], *, n: int = 1, cutoff: float = 0.6) -> list[str]:
    """Return the known words nearest to `word`, ignoring case, but never its opposite."""
    if len(word) > _LONGEST_NAME:
        # Comparing takes the square of the length.
        return []
    by_fold = {each.casefold(): each for each in known if not are_opposites(word, each)}
    found = difflib.get_close_matches(word.casefold(), by_fold, n=n, cutoff=cutoff)
    return [by_fold[each] for each in found]


def quoted(value: object) -> str:
    """Return a value (not a secret) quoted for a sentence, shortened if it is long."""
    longest = 40
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= longest else f"{text[:longest]}…"


def one_of(words: Iterable[str]) -> str:
    """Return the words in quotes, the last after an `or`."""
    *first, last = [quoted(word) for word in words]
    return f"{', '.join(first)} or {last}" if first else last


def meant(word: object, known: Sequence[str]) -> str:
    """Return which of the known words may be meant, or that one of them is needed."""
    found = closest(word, known) if isinstance(word, str) else []
    return f"did you mean {quoted(found[0])}?" if found else f"write {one_of(known)}"


def _no_bool(value: object) -> object:
    if isinstance(value, bool):
        raise invalid(f"is {quoted(value)}, but must be a number")
    return value


def _none_if_empty(value: object) -> object:
    return None if is_blank(value) else value


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        zones = available_timezones()
        places = {zone.rpartition("/")[2]: zone for zone in sorted(zones)}
        found = closest(name, zones, n=3) or [places[place] for place in closest(name, places, n=3)]
        guess = f"did you mean {one_of(found)}?" if found else 'write one such as "Europe/Dublin"'
        raise invalid(f"is {quoted(name)}, which is not a time zone; {guess}") from None
    return name


def _region(code: str) -> str:
    code = code.upper()
    if code in REGIONS or not code:
        return code
    slip = _COUNTRY_SLIPS.get(code)
    say = f"did you mean {quoted(slip)}?" if slip else 'write two letters, such as "IE"'
    raise invalid(f'is {quoted(code)}, which is not a country code; {say} ("" for none)')


def _status(word: str) -> str:
    word = word.lower()
    if word in _STATUS_WORDS:
        return word
    guess = meant(word, _STATUS_WORDS)
    raise invalid(f"is {quoted(word)}, which is not a status of Octopods; {guess}")


def _no_empty_path(value: object) -> object:
    if value == "":
        raise invalid("is empty; write a path")
    return value


def _path(path: Path) -> Path:
    if path.parts[:1] and path.parts[0].startswith("~"):
        raise invalid('starts with "~", which is not expanded here; write the whole path')
    return path


def _web_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or any(not char.isprintable() or char.isspace() for char in url):
        raise invalid('is not a web address; write one that starts with "https://"')
    return url


def _base_url(url: str) -> str:
    parts = urlsplit(_web_address(url))
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise invalid("may have only a scheme, a host and a path; remove the rest")
    return url.rstrip("/")


def _mailbox(address: str) -> str:
    if not _ADDRESS.fullmatch(address) or ("<" in address) != (">" in address):
        raise invalid(
            f'is {quoted(address)}, but must be a mail address, such as "ops@example.com"'
        )
    return address


class SecretUrl(Secret[str]):
    """A database URL. It shows itself without its password and options; ask for the value."""

    def _display(self) -> str:
        scheme, _, rest = self.get_secret_value().partition("://")
        who, at, where = rest.rpartition("@")
        user, colon, _ = who.partition(":")
        where, options, _ = where.partition("?")
        return f"{scheme}://{user}{':***' if colon else ''}{at}{where}{'?…' if options else ''}"

    @property
    def passwords(self) -> tuple[str, ...]:
        """The password as written in the URL and as sent to the server; empty without one."""
        rest = self.get_secret_value().partition("://")[2]
        written = rest.rpartition("@")[0].partition(":")[2]
        return tuple({written, unquote(written)}) if written else ()


def _database_url(url: SecretUrl) -> SecretUrl:
    text = url.get_secret_value()
    scheme = _SCHEME.match(text)
    if scheme is None:
        raise invalid('is not a database URL; write one such as "sqlite:///recon.db"')
    dialect = scheme[0].removesuffix("://").lower()
    rest = text[scheme.end() :]
    if dialect.startswith("sqlite") and rest and not rest.startswith(("/", "?")):
        raise invalid(
            "needs three slashes before a relative path and four before an absolute one; "
            'write for example "sqlite:///recon.db"'
        )
    if dialect == "postgres":
        raise invalid('starts with "postgres://"; write "postgresql+psycopg://"')
    return url


def _frozen(words: Mapping[str, Value]) -> MappingProxyType[str, Value]:
    return MappingProxyType(dict(words))


def _reduced(
    words: MappingProxyType[Any, Any],
) -> tuple[Callable[..., MappingProxyType[Any, Any]], tuple[Any, ...]]:
    return _frozen, (dict(words),)


# Settings go to other processes, and Python itself does not pickle this type.
copyreg.pickle(MappingProxyType, _reduced)


Number = Annotated[float, BeforeValidator(_no_bool)]
Count = Annotated[int, BeforeValidator(_no_bool)]
OptionalText = Annotated[str | None, BeforeValidator(_none_if_empty)]
Zone = Annotated[str, AfterValidator(_zone)]
Region = Annotated[str, AfterValidator(_region)]
StatusWord = Annotated[str, AfterValidator(_status)]
OptionalStatusWord = Annotated[StatusWord | None, BeforeValidator(_none_if_empty)]
FilePath = Annotated[Path, BeforeValidator(_no_empty_path), AfterValidator(_path)]
OptionalPath = Annotated[FilePath | None, BeforeValidator(_none_if_empty)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
OptionalWebAddress = Annotated[WebAddress | None, BeforeValidator(_none_if_empty)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
Mailbox = Annotated[str, AfterValidator(_mailbox)]
DatabaseUrl = Annotated[SecretUrl, AfterValidator(_database_url)]
OptionalDatabaseUrl = Annotated[DatabaseUrl | None, BeforeValidator(_none_if_empty)]
Frozen = Annotated[Mapping[str, Value], AfterValidator(_frozen), PlainSerializer(dict)]
