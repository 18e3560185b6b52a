"""Which handler plays which requirement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from durable_core import DurableFunction
from durable_core.spi import DurableServiceClient

F = TypeVar("F", bound=DurableFunction[Any])

FLAVOURS = ("async", "blocking")


class Player(NamedTuple):
    """A handler, and what it needs of the world."""

    handler: DurableFunction[Any]
    client: Callable[[DurableServiceClient], DurableServiceClient] | None = None
    """Wraps the client that the handler is given."""
    functions: Mapping[str, DurableFunction[Any]] = MappingProxyType({})
    """What it can invoke, by name."""


class Suite:
    """The handlers of one suite, and the *functions* that they invoke."""

    def __init__(self, functions: Mapping[str, DurableFunction[Any]] = MappingProxyType({})) -> None:
        self.players: dict[tuple[str, str], Player] = {}
        """By the id of the requirement, and the flavour."""
        self._functions = functions

    def plays(
        self, id: str, *, client: Callable[[DurableServiceClient], DurableServiceClient] | None = None
    ) -> Callable[[F], F]:
        """Let the decorated handler play the requirement *id* in its flavour."""

        def added(handler: F) -> F:
            key = (id, "async" if handler.durable.is_async else "blocking")
            assert key not in self.players, f"two handlers play {key}"
            self.players[key] = Player(handler, client, self._functions)
            return handler

        return added
