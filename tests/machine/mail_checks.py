"""Each mail arrives once at each recipient, and none is lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import sqlalchemy as sa

from recon.store.outbox import GIVEN_UP_AFTER
from recon.store.tables import mails, notifications, runs
from tests.machine.installation import RECIPIENTS, Command, Installation


@dataclass
class MailChecks:
    """Compares what arrived with the outbox."""

    arrived: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Copies, by Message-ID and recipient."""
    uncertain: set[str] = field(default_factory=set)
    """Mails of which the server's answer was never read: these are sent again."""
    done: set[str] = field(default_factory=set)
    is_purged: bool = False
    """Whether runs were deleted: a mail of those alone has nothing to tell any more."""

    def check(self, connection: sa.Connection, command: Command, made: Installation) -> None:
        """Check the mails of a command, and the outbox after it."""
        self._check_copies(command, made)
        rows = connection.execute(sa.select(mails)).all()
        for row in rows:
            if row.done_at is None or row.message_id in self.done:
                continue
            self.done.add(row.message_id)
            is_late = row.done_at - row.created_at >= GIVEN_UP_AFTER
            has_arrived = all(self.arrived[row.message_id, one] for one in RECIPIENTS)
            assert has_arrived or is_late or self.is_purged, row
        if not self._sends(command):
            return
        is_well = not (made.mail_is_down or made.box.refused or made.box.drops)
        if is_well and made.box.on_data() is None:
            assert command.code != 69, command.said
            assert all(row.done_at is not None for row in rows), (command, rows)
            waiting = sa.select(notifications).where(notifications.c.done_at.is_(None))
            assert not connection.execute(waiting).all(), command
        self._check_news(connection, command)

    def _check_copies(self, command: Command, made: Installation) -> None:
        fresh = made.box.mails[command.mails_before :]
        for one in fresh:
            message_id = str(one.mail["Message-ID"])
            for recipient in one.recipients:
                copies = self.arrived[message_id, recipient]
                assert not copies or message_id in self.uncertain, (message_id, recipient)
                self.arrived[message_id, recipient] += 1
        if made.box.drops:
            self.uncertain |= {str(one.mail["Message-ID"]) for one in fresh}
        elif command.code is None and fresh:
            # Only the last one: all before it were noted as sent.
            self.uncertain.add(str(fresh[-1].mail["Message-ID"]))

    @staticmethod
    def _sends(command: Command) -> bool:
        if command.code is None or command.code in {75, 78}:
            return False
        is_silent = {"--no-email", "--dry-run"} & set(command.argv)
        return command.argv[0] in {"run", "report"} and not is_silent

    def _check_news(self, connection: sa.Connection, command: Command) -> None:
        """Check that no run is told in two mails."""
        of_run = sa.select(notifications.c.run_id, sa.func.count()).join_from(
            notifications, runs, notifications.c.run_id == runs.c.run_id
        )
        for run_id, count in connection.execute(of_run.group_by(notifications.c.run_id)):
            assert count == 1, (command, run_id)
