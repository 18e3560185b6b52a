"""Runs of programs in which each invocation has a process of its own, and ``kill -9`` ends the first one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any, NamedTuple

import crash_sandbox
from crash_program import Program, handler_of
from crash_run import Crash, Run, WatchedService, outcome_of
from crash_sandbox import Order
from crash_world import FUNCTIONS, Effect, World, answer_to

from durable_core.spi import DurableServiceClient, InvocationAnswer, InvocationEvent, Seen, ServiceError, Workflow
from durable_testing import LocalRunner
from durable_testing.faults import SandboxDied, Side

INTO_THE_BODY = 0.02
"""Seconds after its effect for which a step is left alone: enough for its START to be recorded."""


class CrashInBody(NamedTuple):
    """The sandbox is killed in the middle of the body of this step."""

    step: str

    def __str__(self) -> str:
        return f"in the body of {self.step}"


class Sandboxes(NamedTuple):
    """Forks a process for each order."""

    listener: Listener
    orders: Connection[Any, Any]

    def start(self, order: Order) -> tuple[int, Connection[Any, Any]]:
        """The process id of a sandbox that runs *order*, and the line to it."""
        self.orders.send(order)
        line = self.listener.accept()
        return line.recv(), line


@contextmanager
def sandboxes() -> Iterator[Sandboxes]:
    """A process from which sandboxes are forked; it ends with this."""
    with Listener(family="AF_UNIX") as listener:
        command = [sys.executable, crash_sandbox.__file__, str(listener.address)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        with subprocess.Popen(command, env=environment) as parent, listener.accept() as orders:
            try:
                yield Sandboxes(listener, orders)
            finally:
                parent.kill()


class KilledWorkflow(Workflow):
    """A workflow whose invocations run in sandboxes, one of which is killed as *crash* says."""

    def __init__(
        self,
        workflow: Workflow,
        start: Callable[[InvocationEvent, int], tuple[int, Connection[Any, Any]]],
        crash: Crash | CrashInBody | None,
        folder: Path,
    ) -> None:
        super().__init__(workflow.func, workflow.settings)
        self._start = start
        self._crash = crash
        self._folder = folder
        self.calls = 0

    def invoke(
        self,
        event: InvocationEvent,
        lambda_context: Any,
        *,
        client: DurableServiceClient,
        see: Callable[[Seen], None] | None = None,
        dry: bool = False,
        **options: Any,
    ) -> InvocationAnswer:
        """Start a sandbox and serve it until it answers; ``SandboxDied`` when it was killed."""
        if dry:
            return super().invoke(event, lambda_context, client=client, see=see, dry=dry, **options)
        assert see is not None
        pid, line = self._start(event, options["batch_updates"])
        with line:
            try:
                return self._serve(line, client, see)
            except SandboxDied:
                os.kill(pid, signal.SIGKILL)
                self._hear_out(line, see)
                if isinstance(self._crash, CrashInBody):
                    self._hold(self._crash).unlink()
                raise

    def _serve(
        self, line: Connection[Any, Any], client: DurableServiceClient, see: Callable[[Seen], None]
    ) -> InvocationAnswer:
        while True:
            self._wait_for_message(line)
            verb, content = line.recv()
            match verb:
                case "seen":
                    see(Seen(*content))
                case "checkpoint":
                    self.calls += 1
                    self._die_if(Crash(self.calls, Side.BEFORE))
                    answer = _answered(client.checkpoint, content)
                    self._die_if(Crash(self.calls, Side.AFTER))
                    line.send(answer)
                case "get_state":
                    line.send(_answered(client.get_state, content))
                case "answer":
                    found: InvocationAnswer = content
                    return found
                case _:
                    raise RuntimeError(content)

    def _wait_for_message(self, line: Connection[Any, Any]) -> None:
        while not line.poll(0.002):
            if isinstance(self._crash, CrashInBody) and self._is_held(self._crash) and not line.poll(INTO_THE_BODY):
                raise SandboxDied

    def _is_held(self, crash: CrashInBody) -> bool:
        held = self._hold(crash).exists()
        return held and any(effect.name == crash.step for effect in effects_in(self._folder))

    def _hold(self, crash: CrashInBody) -> Path:
        return self._folder / f"hold-{crash.step}"

    def _die_if(self, here: Crash) -> None:
        if here == self._crash:
            raise SandboxDied

    def _hear_out(self, line: Connection[Any, Any], see: Callable[[Seen], None]) -> None:
        """Take what was sent before the end, until the line is dead."""
        try:
            while True:
                verb, content = line.recv()
                if verb == "seen":
                    see(Seen(*content))
        except (EOFError, ConnectionResetError):
            return


def run_in_processes(
    each: Program,
    flavour: str,
    crash: Crash | CrashInBody | None,
    *,
    forks: Sandboxes,
    folder: Path,
    batch_updates: int,
) -> Run:
    """Run the program to its end, a process for each invocation, and kill one of them."""
    folder.mkdir()
    if isinstance(crash, CrashInBody):
        (folder / f"hold-{crash.step}").touch()
    service = WatchedService()

    def start(event: InvocationEvent, batch_updates: int) -> tuple[int, Connection[Any, Any]]:
        return forks.start(Order(each.name, flavour, event, len(service.beginnings), batch_updates, folder))

    handler = handler_of(each, flavour, lambda: World(_nothing_happens, 0))
    handler.durable = workflow = KilledWorkflow(handler.durable, start, crash, folder)
    with LocalRunner(handler, service=service, batch_updates=batch_updates) as runner:
        for name, function in FUNCTIONS.items():
            runner.register(name, function)
        result = runner.run(callbacks=answer_to)
    seen, crashes = runner.seen_by_invocation, [crash] if isinstance(crash, Crash) else []
    effects, calls = effects_in(folder), workflow.calls
    return Run(outcome_of(result), effects, result, service.beginnings, seen, calls, crashes, flavour)


def effects_in(folder: Path) -> list[Effect]:
    """What the sandboxes that worked in *folder* did to the world."""
    try:
        text = (folder / "effects").read_text()
    except FileNotFoundError:
        return []
    return [Effect(*json.loads(line)) for line in text.splitlines()]


def _answered(call: Callable[..., Any], content: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...] | None]:
    try:
        return call(*content), None
    except ServiceError as error:
        return None, (error.code, error.message)


def _nothing_happens(effect: Effect) -> None:
    raise AssertionError(f"{effect} in the process of the tests")
