"""The expected errors, each with the exit code of a command that it ends.

Code that catches a foreign exception translates it into one of these errors, with a sentence that
says what the user can do. A bug is not among them and keeps its traceback.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from typing import ClassVar, Final

OK: Final = 0
DISCREPANCIES: Final = 1
INCOMPLETE: Final = 3

#: Exit codes from the worst to the mildest; several accounts end with the worst of theirs.
WORST_FIRST: Final = (78, 77, 73, 65, 75, 69, DISCREPANCIES, INCOMPLETE, OK)


class ReconError(Exception):
    """An expected error: a message for the person on call, and an exit code."""

    exit_code: ClassVar[int] = 70

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        """Say what went wrong in `message`, and in `hint` what to do about it."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def one_line(self) -> str:
        """Message and hint in one line, for a log."""
        if self.hint is None:
            return self.message
        return f"{self.message.rstrip('.')}. {' '.join(self.hint.split())}"

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n  {self.hint}"


class UsageError(ReconError):
    """The command line is wrong (2): retrying does not help."""

    exit_code = 2


class InputError(ReconError):
    """The user's records or a file cannot be used, or are suspect (65)."""

    exit_code = 65


class MailError(ReconError):
    """The report could not be mailed; everything else is stored and written (69)."""

    exit_code = 69


class MailRefusedError(MailError):
    """The mail server works, but refuses one mail."""


class OutputError(ReconError):
    """An output file or the database cannot be written (73)."""

    exit_code = 73


class TemporaryError(ReconError):
    """Provider down, wait too long, database busy, lock held (75): try again later."""

    exit_code = 75


class RequestRefusedError(TemporaryError):
    """The provider refuses one request, for no reason that is known to last."""


class KeyRefusedError(ReconError):
    """The API key is unknown, rotated or revoked (77): retrying never helps."""

    exit_code = 77


class ConfigError(ReconError):
    """The configuration is wrong or missing (78)."""

    exit_code = 78


#: The system's errors when a process, or the whole machine, can open no more files.
_NO_FILES: Final = frozenset({errno.EMFILE, errno.ENFILE})
#: What libraries say when the system gives them no more memory, where they raise an error of
#: their own: of C++, of the system, of its loader of libraries, and of Python's threads.
_NO_MEMORY: Final = (
    "std::bad_alloc",
    os.strerror(errno.ENOMEM),
    "failed to map segment from shared object",
    "can't start new thread",
)
#: An SQLite database takes this many: itself, its log, the index of the log, and a journal.
_FILES_OF_SQLITE: Final = 4


def expected(error: BaseException) -> ReconError | None:
    """Return the error to report; `None` if it is a bug.

    If the process cannot open any more files, or gets no more memory, that cause is reported,
    whatever the file or memory was needed for. This function finds both causes in the chain of
    causes.
    """
    shortage = out_of_files(error) or _out_of_memory(error)
    return shortage or (error if isinstance(error, ReconError) else None)


def out_of_files(error: BaseException) -> TemporaryError | None:
    """Return the error if the process or machine can open no more files; `None` otherwise."""
    for cause in _causes(error):
        number = _without_files(cause)
        if number is not None:
            what = f": {cause.filename}" if isinstance(cause, OSError) and cause.filename else ""
            return _shortage(number, what)
    return None


def _out_of_memory(error: BaseException) -> TemporaryError | None:
    """Return the error if the process gets no more memory; `None` otherwise."""
    if not any(_without_memory(cause) for cause in _causes(error)):
        return None
    return TemporaryError(
        "there is not enough memory",
        hint="Raise the limit (ulimit -v, MemoryMax= of the systemd unit, the container's memory "
        "limit), or use fewer --workers.",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what led to it."""
    cause: BaseException | None = error
    seen: list[BaseException] = []
    while cause is not None and cause not in seen:
        yield cause
        seen.append(cause)
        cause = cause.__cause__ or cause.__context__


def _without_memory(cause: BaseException) -> bool:
    if isinstance(cause, OSError):
        return cause.errno == errno.ENOMEM
    if isinstance(cause, ReconError):
        return False
    return isinstance(cause, MemoryError) or any(sign in str(cause) for sign in _NO_MEMORY)


def _without_files(cause: BaseException) -> int | None:
    if isinstance(cause, OSError):
        return cause.errno if cause.errno in _NO_FILES else None
    if isinstance(cause, ReconError):
        return None
    # Libraries that open files by themselves hand on the system's words only.
    return next((number for number in _NO_FILES if os.strerror(number) in str(cause)), None)


def file_shortage() -> TemporaryError | None:
    """Return the error of `out_of_files` if this is why a database cannot be opened now.

    SQLite itself does not say why.
    """
    opened: list[int] = []
    try:
        while len(opened) < _FILES_OF_SQLITE:
            opened.append(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return _shortage(error.errno, "") if error.errno in _NO_FILES else None
    finally:
        for one in opened:
            os.close(one)
    return None


def _shortage(number: int, what: str) -> TemporaryError:
    return TemporaryError(
        f"no more files can be opened ({os.strerror(number)}){what}",
        hint="Raise the limit of open files: ulimit -n, or LimitNOFILE= of the systemd unit.",
    )


def worst(codes: Iterable[int]) -> int:
    """Return the worst of `codes`, 0 without any; an unlisted code is the worst."""
    ranked = {code: rank for rank, code in enumerate(WORST_FIRST)}
    return min(codes, key=lambda code: ranked.get(code, -1), default=OK)
