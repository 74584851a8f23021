"""Decide whether a poll of an account is due, without a request."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from recon.core import calendar, polling, polling_rhythm
from recon.core.polling import Decision, PollingRules, PollingState, RecordedSends
from recon.core.polling_rhythm import Forecast, Rhythm
from recon.errors import ReconError
from recon.jobs import wiring
from recon.jobs.runtime import Runtime
from recon.store import polls

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from recon.config import Settings
    from recon.records.send_counts import SendCounter
    from recon.store.polls import KeyState

log = logging.getLogger(__name__)

#: How long a learnt rhythm is used: it is about hours of the week.
_LEARN_EVERY: Final = timedelta(hours=1)
#: How long a collector that keeps running does not read records after they failed.
_LEAVE_ALONE: Final = timedelta(minutes=1)
_FIGURES: Final = re.compile(r"[0-9]+")


class PollDecider:
    """Decides for one account, any number of times.

    Args:
        settings: the configuration.
        engine: the job's own database, its schema ready.
        account: which one.
        runtime: clock and environment.
        tick: how long until the next decision.
    """

    def __init__(
        self, settings: Settings, engine: Engine, account: str, runtime: Runtime, tick: timedelta
    ) -> None:
        self._engine = engine
        self._account = account
        self._configured = settings.accounts[account]
        self._zone = settings.timezone
        self._runtime = runtime
        self._tick = tick
        self._rules = PollingRules(
            max_interval=timedelta(minutes=settings.collect.max_interval_minutes),
            min_overlap=settings.collect.min_overlap,
            min_interval=timedelta(seconds=settings.octopods.min_interval_seconds),
        )
        self._rhythm: tuple[datetime, Rhythm] | None = None
        self._no_records_until: datetime | None = None
        self._counter: SendCounter | None = None
        self._trouble = ""

    def state(self) -> KeyState:
        """Return the stored state of the account's current key.

        Raises:
            ConfigError: the key is not where the account says.
            TemporaryError, OutputError, ConfigError: the store failed.
        """
        from recon.config import fingerprint

        # Read anew each time: a key may be replaced while this runs.
        key = fingerprint(self._configured.api_key(self._runtime.environ, self._account))
        return polls.key_state(self._engine, self._account, key, recent=polling_rhythm.RECENT_POLLS)

    def decide(self, state: KeyState, *, ask_records: bool = True) -> Decision:
        """Say whether a poll is due, and why.

        Args:
            state: the stored state of the key.
            ask_records: whether to count the records if it matters; without it, the rhythm decides.
        """
        now, rules = self._runtime.clock() + state.ahead, self._rules_for(state)
        known = PollingState(
            now=now,
            tick=self._tick,
            last_poll_at=state.last_at,
            newest=state.newest,
            unproven=state.unproven,
            window_end=calendar.window(calendar.day_at(now, self._zone), self._zone).start,
            unrecorded_share=state.unrecorded_share,
            settling=state.settling,
        )
        # If a poll is due anyway, neither the records nor earlier polls are read.
        decision = polling.decide(
            replace(known, unproven=None, recorded=RecordedSends(0, 0)), Forecast(), rules
        )
        if decision.due or state.last_at is None:
            return decision
        ahead = polling_rhythm.forecast(self._learnt(now), state.recent)
        recorded = self._recorded(state, known, rules.settling) if ask_records else None
        return polling.decide(replace(known, recorded=recorded), ahead, rules)

    def _rules_for(self, state: KeyState) -> PollingRules:
        """Return the rules, with the known limits of the key's listing."""
        rules = self._rules
        if state.item_cap is not None:
            rules = replace(rules, listing_limit=min(state.item_cap, rules.listing_limit))
        if state.unproven is not None:
            # The next answer has to show again what the last one could not prove.
            rules = replace(rules, settling=state.settling)
        return rules

    def _learnt(self, now: datetime) -> Rhythm:
        if self._rhythm is None or now - self._rhythm[0] >= _LEARN_EVERY:
            since = now - polling_rhythm.LEARN_FROM
            past = polls.history(self._engine, self._account, since, polling_rhythm.LEARN_POLLS)
            self._rhythm = now, polling_rhythm.learn(past, self._zone)
        return self._rhythm[1]

    def _recorded(
        self, state: KeyState, known: PollingState, settling: timedelta
    ) -> RecordedSends | None:
        """Count the records; if that fails or they are late, only this hint is missing."""
        now, ours = known.now, known.now - state.ahead
        if self._no_records_until is not None and now < self._no_records_until:
            return None
        from recon.records.send_counts import SendCounter

        if self._counter is None:
            self._counter = SendCounter(wiring.source(self._configured.local, self._account))
        since = known.seen_until(settling)
        stretch = polling.last_stretch(state.recent, settling)
        # The records may go by either clock: sooner and later than that nothing can be missed.
        moments = (
            min(since, since - state.ahead),
            ours - settling,
            ours - polling.BURST,
            *(stretch or ()),
        )
        try:
            counts = self._counter.since(moments, max(now, ours))
        except ReconError as error:
            self._no_records_until = now + _LEAVE_ALONE
            self._warn_once(f"deciding without its records: {error.one_line}")
            return None
        if counts is None:
            return None
        before = None if stretch is None else counts[3] - counts[4]
        recorded = RecordedSends(counts[0], counts[1], counts[2], before)
        shown = state.recent[-1].new
        if not polling.is_reliable(recorded, shown):
            self._warn_once(
                f"its records have {before} sends of the time in which the last poll showed "
                f"{shown} messages, so they are not used to decide on polls: they lag, their "
                f"clock or time zone is wrong, or some were never sent"
            )
            return None
        self._trouble = ""
        return recorded

    def _warn_once(self, error: str) -> None:
        """Warn of an error, once until it changes."""
        kind = _FIGURES.sub("#", error)
        level = logging.DEBUG if kind == self._trouble else logging.WARNING
        log.log(level, "account %s: %s", self._account, error)
        self._trouble = kind
