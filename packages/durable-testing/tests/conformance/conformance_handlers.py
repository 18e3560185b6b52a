"""Which handler plays which requirement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from durable_core import DurableFunction
from durable_core.spi import DurableServiceClient

F = TypeVar("F", bound=DurableFunction[Any])

FLAVOURS = ("async", "blocking")


class Player(NamedTuple):
    """A handler, and what it needs of the world."""

    handler: DurableFunction[Any]
    client: Callable[[DurableServiceClient], DurableServiceClient] | None
    """Wraps the client that the handler is given."""


class Suite:
    """The handlers of one suite."""

    def __init__(self) -> None:
        self.players: dict[tuple[str, str], Player] = {}
        """By the id of the requirement, and the flavour."""

    def plays(
        self, id: str, *, client: Callable[[DurableServiceClient], DurableServiceClient] | None = None
    ) -> Callable[[F], F]:
        """Let the decorated handler play the requirement *id* in its flavour."""

        def added(handler: F) -> F:
            key = (id, "async" if handler.durable.is_async else "blocking")
            assert key not in self.players, f"two handlers play {key}"
            self.players[key] = Player(handler, client)
            return handler

        return added
