"""Compare statuses: which one replaces another, which contradict, and how to say so.

The words and their order are the provider's (help centre, article 14823960): sent, then
delivered, then read; deleted by the recipient after delivery; failed at once or after sent.
"""

from __future__ import annotations

from typing import Final, Literal

from recon.model import NOT_SENT, Status

Policy = Literal["compatible", "strict"]

#: How far a message has come on the happy path. `failed` and `unknown` are not on it.
_PROGRESS: Final = {Status.SENT: 1, Status.DELIVERED: 2, Status.READ: 3, Status.DELETED: 4}

#: Statuses that may still become another one: asking again can bring news.
NOT_TERMINAL: Final = frozenset({Status.SENT, Status.UNKNOWN})

#: Every word that has a meaning here, on the provider's side and in the records.
PROVIDER_WORDS: Final = frozenset(status.value for status in Status)
LOCAL_WORDS: Final = PROVIDER_WORDS | {NOT_SENT}

#: What to do about another word in the records: a clause that follows the word.
UNMAPPED: Final = "which maps to no status of Octopods: map it under [accounts.….local.statuses]"


def canonical(word: str) -> str:
    """Return a status word in the form used for comparing: lower case, without spaces around it."""
    return word.strip().lower()


def supersedes(old: str, new: str) -> bool:
    """Say whether a later observation `new` replaces the status `old` of the same message.

    Answers can be late, so a status never goes backwards: a `sent` or an `unknown` after
    `delivered` is ignored. `failed` always replaces, and so does any proof of delivery after it. A
    word outside the provider's table replaces any status, and any status replaces it.
    """
    if new in {old, Status.UNKNOWN}:
        return False
    if new == Status.FAILED or new not in PROVIDER_WORDS or old not in PROVIDER_WORDS:
        return True
    if old == Status.FAILED:
        return new != Status.SENT
    return _progress(new) > _progress(old)


def _progress(word: str) -> int:
    return _PROGRESS.get(Status(word), 0)


def contradict(local: str | None, provider: str, policy: Policy) -> bool:
    """Say whether the records' status and the provider's contradict each other.

    A record that is `not_sent` contradicts every message. A word without a meaning is always
    reported. Otherwise `strict` requires equal words. `compatible` allows an earlier successful
    status in the records, and `unknown` on either side. A record without a status (`None`) is
    `unknown`.
    """
    recorded = Status.UNKNOWN.value if local is None else local
    if recorded not in PROVIDER_WORDS or provider not in PROVIDER_WORDS:
        return True
    if policy == "strict":
        return recorded != provider
    if recorded == provider or Status.UNKNOWN in (recorded, provider):
        return False
    if Status.FAILED in (recorded, provider):
        return True
    return _progress(recorded) > _progress(provider)


def explain(local: str | None, provider: str) -> str:
    """Say for people what a contradiction between two statuses means."""
    recorded = Status.UNKNOWN.value if local is None else local
    if recorded not in LOCAL_WORDS:
        return f"the records say '{recorded}', {UNMAPPED}"
    if provider not in PROVIDER_WORDS:
        return f"Octopods says '{provider}', a status this program does not know yet"
    if recorded == NOT_SENT and provider == Status.FAILED:
        return (
            "the records say it was not sent, Octopods says failed: it was sent, and the customer "
            "never got it"
        )
    if recorded == NOT_SENT:
        return (
            f"the records say it was not sent, Octopods says {provider}: a retry would send twice"
        )
    if recorded == Status.FAILED:
        return f"the records say failed, Octopods says {provider}: a retry would send twice"
    if provider == Status.FAILED:
        return f"the records say {recorded}, Octopods says failed: the customer never got it"
    if _progress(recorded) > _progress(provider) > 0:
        return f"the records say {recorded}, but Octopods says only {provider}"
    return f"the records say {recorded}, Octopods says {provider}"
