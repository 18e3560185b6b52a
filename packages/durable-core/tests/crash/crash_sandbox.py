"""A process in which one invocation runs, until it answers or is killed; and the process that such are forked from.

``python crash_sandbox.py ADDRESS`` connects to *ADDRESS* and forks a sandbox for each ``Order`` that comes. A sandbox
connects by itself, says its process id, and then asks for whatever its invocation needs of the service.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any, NamedTuple

from crash_program import handler_of
from crash_programs import PROGRAMS
from crash_world import Effect, World

from durable_core.spi import CheckpointAnswer, ExecutionState, InvocationEvent, OperationUpdate, Seen, ServiceError
from durable_testing.runner.lambda_context import LambdaContext


class Order(NamedTuple):
    """What a sandbox is to run."""

    program: str
    flavour: str
    event: InvocationEvent
    invocation: int
    batch_updates: int
    folder: Path
    """Where effects are written, and where a file ``hold-NAME`` keeps a step in the middle of its body."""


class Line:
    """The service, at the other end of a connection."""

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def tell(self, verb: str, content: object) -> None:
        """Send a message, from any thread."""
        with self._lock:
            self._connection.send((verb, content))

    def see(self, seen: Seen) -> None:
        """Pass on an outcome that the workflow saw."""
        self.tell("seen", tuple(seen))

    def checkpoint(
        self,
        arn: str,
        token: str,
        updates: Sequence[OperationUpdate],
        client_token: str,
        *,
        timeout: float | None = None,
    ) -> CheckpointAnswer:
        """Record *updates*."""
        answer: CheckpointAnswer = self._ask("checkpoint", (arn, token, list(updates), client_token))
        return answer

    def get_state(self, arn: str, token: str, marker: str, *, timeout: float | None = None) -> ExecutionState:
        """A page of state."""
        page: ExecutionState = self._ask("get_state", (arn, token, marker))
        return page

    def _ask(self, verb: str, content: object) -> Any:
        self.tell(verb, content)
        answer, refusal = self._connection.recv()
        if refusal is not None:
            raise ServiceError(*refusal)
        return answer


def live(order: Order, line: Line) -> None:
    """Run the invocation and send its answer."""
    effects = os.open(order.folder / "effects", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def record(effect: Effect) -> None:
        os.write(effects, json.dumps(effect).encode() + b"\n")
        while (order.folder / f"hold-{effect.name}").exists():
            time.sleep(0.001)

    workflow = handler_of(PROGRAMS[order.program], order.flavour, lambda: World(record, order.invocation)).durable
    context = LambdaContext("handler", f"request-{order.invocation}", timedelta(minutes=1))
    try:
        answer = workflow.invoke(
            order.event, context, client=line, see=line.see, impatient=True, batch_updates=order.batch_updates
        )
    except Exception as error:
        line.tell("error", f"{type(error).__name__}: {error}")
    else:
        line.tell("answer", answer)


def fork_sandboxes(address: str) -> None:
    """Fork a sandbox for each order, until there are no more: that is quick, and the imports are done."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with Client(address) as orders:
        while True:
            try:
                order = orders.recv()
            except EOFError:
                return
            if os.fork() == 0:
                try:
                    with Client(address) as connection:
                        connection.send(os.getpid())
                        live(order, Line(connection))
                finally:
                    os._exit(0)


if __name__ == "__main__":
    fork_sandboxes(sys.argv[1])
