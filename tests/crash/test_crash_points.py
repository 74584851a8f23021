"""A process that is killed anywhere: the next command ends as if nothing had happened.

`make crash` holds each command before every edge, and kills it wherever there is something new
then. With `CRASH=killed` it kills it at every edge. The ordinary tests kill it at some of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import pytest

from tests.crash.edges import Edge
from tests.crash.killing import Killing
from tests.crash.order import undone_by_a_power_cut
from tests.crash.outcomes import copies
from tests.crash.scenes import Scene


def some(reached: Sequence[Edge], scene: Scene) -> list[int]:
    """Choose edges, by their number from 1: the middle one of each kind, and three more at least.

    These are spread evenly over the edges right after a commit or a rename, where there is
    something new that may be lost or done twice.
    """
    numbers: dict[str, list[int]] = {}
    for number, edge in enumerate(reached, 1):
        numbers.setdefault(edge.kind, []).append(number)
    kinds = numbers.keys() if scene.kinds is None else scene.kinds & numbers.keys()
    chosen = {numbers[kind][len(numbers[kind]) // 2] for kind in kinds}
    after = {n + 1 for kind in ("commit", "rename") for n in numbers.get(kind, [])}
    others = sorted(after - chosen - {len(reached) + 1})
    lacking = min(max(scene.points - len(chosen), 3), len(others))
    return sorted(chosen | {others[at * len(others) // lacking] for at in range(lacking)})


def unanswered(reached: Sequence[Edge]) -> set[int]:
    """Return the edges at which the mail server has a mail, and the outbox does not know yet."""
    found = set()
    said = ["", ""]
    accepted = False
    for number, edge in enumerate(reached, 1):
        if edge.kind == "smtp":
            said = [said[-1], edge.about.lower()]
        accepted = accepted or (edge.kind == "reply" and said[0] == "data")
        if accepted:
            found.add(number)
        if edge.kind == "commit":
            accepted, said = False, ["", ""]
    return found


def chosen(killing: Killing, reached: Sequence[Edge]) -> dict[int, object]:
    """Return the edges at which the command is killed, each with what was seen there, if it was."""
    match os.environ.get("RECON_TESTS_CRASH"):
        case "killed":
            return dict.fromkeys(range(1, len(reached) + 1))
        case "held":
            return killing.news()
        case _:
            return dict.fromkeys(some(reached, killing.scene))


def changing(reached: Sequence[Edge]) -> list[Edge]:
    """Return the edges but for reading: tables are described in no order."""
    return [edge for edge in reached if edge.kind != "read"]


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_nothing_is_lost_or_done_twice_by_a_power_cut_or_a_kill(
    killing: Killing, record_property: Callable[[str, object], None]
) -> None:
    how = os.environ.get("RECON_TESTS_CRASH")
    then = killing.scene.afterwards if how else ()
    before = killing.tables()
    reached = killing.play()
    assert undone_by_a_power_cut(reached) == []
    stored = killing.tables()
    chats = killing.chats()
    killing.run(*then)
    undisturbed = [killing.outcome()]
    killing.begin()
    killing.again()
    killing.again()
    killing.run(*then)
    undisturbed.append(killing.outcome())
    if killing.scene.begun:
        killing.begin()
        killing.run(killing.scene.begun)
        killing.again()
        killing.run(*then)
        undisturbed.append(killing.outcome())
    twice = unanswered(reached)
    seen: list[object] = []
    wrong = []
    points = chosen(killing, reached)
    for number, held in points.items():
        where = f"{number}, before {reached[number - 1]}"
        ways = zip(changing(killing.play(number)), changing(reached), strict=False)
        wrong += [
            f"{where}: {one}, not {other}, came before" for one, other in ways if one != other
        ]
        left = killing.state()
        if held not in (None, left) and not killing.scene.has_workers:
            wrong.append(f"{where}: left is {left}, and not what was seen: {held}")
        if not killing.scene.stores and killing.tables() != before:
            wrong.append(f"{where}: something is stored")
        if killing.scene.at_once and killing.tables() not in (before, stored):
            wrong.append(f"{where}: a part is stored")
        if left in seen:
            continue
        seen.append(left)
        killing.again()
        killing.run(*then)
        wrong += [f"{where}: {one}" for one in killing.outcome().differences(undisturbed)]
        # A service that has answered before the commit is told again.
        if not chats <= killing.chats() <= 2 * chats:
            wrong.append(f"{where}: chat was told {killing.chats()} times")
        most = 2 if number in twice else 1
        wrong += [
            f"{where}: {found} copies of a mail"
            for found in copies(killing.box).values()
            if found > most
        ]
    backend = killing.engine.dialect.name
    held_at = f"held at {len(reached)} edges, " if how == "held" else ""
    record_property(
        "crash points",
        f"{killing.scene.name}, {backend}: {held_at}killed at {len(points)} of {len(reached)}, "
        f"which left {len(seen)} different states",
    )
    assert not wrong, "\n".join(wrong)
