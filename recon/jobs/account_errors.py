"""Errors of single accounts, which are kept until the other accounts have been tried."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from recon.errors import expected

log = logging.getLogger(__name__)


class AccountError(NamedTuple):
    """The error that ended the work on one account."""

    account: str
    error: Exception
    """A `ReconError`, or an internal error."""


@dataclass(frozen=True, slots=True)
class AccountErrors:
    """The errors of accounts, in the order in which they were met."""

    met: list[AccountError] = field(default_factory=list)

    @contextmanager
    def kept(self, account: str) -> Iterator[None]:
        """Keep an error that ends the block, so that the caller goes on with the next account.

        The traceback of an internal error is logged. Signals and Ctrl-C are not kept.

        Args:
            account: whose work the block does.
        """
        try:
            yield
        except Exception as error:
            reported = expected(error)
            if reported is None:
                log.exception("account %s: internal error", account)
            self.met.append(AccountError(account, reported or error))
