"""Every requirement of the conformance suite, played by a handler of each flavour on the service in memory."""

from __future__ import annotations

import pytest
from conformance_handlers import FLAVOURS
from conformance_play import breaches, play, story
from conformance_requirements import VARIABLE, Requirement, in_order, requirements_in, suite_folder
from conformance_suites import READY

FOLDER = suite_folder()
REQUIREMENTS: dict[str, Requirement] = {} if FOLDER is None else requirements_in(FOLDER)
PLAYERS = {key: player for suite in READY.values() for key, player in suite.players.items()}
IDS = sorted(
    {id for id, _ in PLAYERS} | {each.id for each in REQUIREMENTS.values() if each.suite in READY}, key=in_order
)

pytestmark = pytest.mark.skipif(
    FOLDER is None, reason=f"the conformance suite is not here: set {VARIABLE} to the folder of its requirements"
)


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("id", IDS)
def test_the_requirement_is_met(id: str, flavour: str) -> None:
    assert id in REQUIREMENTS, f"a handler plays {id}, but the suite has no such requirement"
    assert (id, flavour) in PLAYERS, f"no {flavour} handler plays {id}"
    found = play(REQUIREMENTS[id], PLAYERS[id, flavour])
    wrong = breaches(REQUIREMENTS[id], found)
    assert not wrong, "\n".join([f"{id} is not met:", *wrong, story(found.history)])


def test_every_suite_is_played() -> None:
    assert {each.suite for each in REQUIREMENTS.values()} == READY.keys()
