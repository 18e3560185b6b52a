"""What goes wrong in a test, as opposed to in the workflow under test."""

from __future__ import annotations


class RunnerError(Exception):
    """The execution cannot go on, and it is the test that has to change."""


class ReplayMismatchError(AssertionError):
    """A replay of a finished execution saw something else than the run did: the workflow is not deterministic."""
