"""``LocalRunner.start``: an execution that a test moves on, and acts upon meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from durable_core.spi import ErrorObject
from durable_testing.errors import RunnerError
from durable_testing.runner.callbacks import PendingCallback
from durable_testing.runner.result import TestResult

if TYPE_CHECKING:
    from durable_testing.runner.local import LocalRunner


class Run:
    """An execution in progress. It moves only while one of these methods runs."""

    def __init__(self, runner: LocalRunner, execution_arn: str) -> None:
        self._runner = runner
        self.execution_arn = execution_arn

    @property
    def is_over(self) -> bool:
        """Whether the execution has ended."""
        return self._runner.is_over(self.execution_arn)

    def settle(self) -> None:
        """Move it on until it waits for time, or for somebody outside, or is over."""
        while not self.is_over and self._runner.work():
            pass

    def wait_for_callback(self, name: str | None = None) -> PendingCallback:
        """Move it on, through time as well, until a callback of this *name* waits for an answer; ``None``: any.

        One of its own, or of a durable function that it waits for.
        """
        while True:
            self.settle()
            for callback in self._runner.pending(self.execution_arn):
                if name is None or callback.name == name:
                    return callback
            if self.is_over:
                table = self.result().to_table()
                raise RunnerError(
                    f"the execution ended before a callback {name or ''!r} waited for an answer:\n{table}"
                )
            self._runner.pass_time(self.execution_arn)

    def stop(self, error: ErrorObject | None = None) -> None:
        """Stop the execution, as the API's verb does."""
        self._runner.service.stop_durable_execution(DurableExecutionArn=self.execution_arn, Error=error or {})

    def result(self) -> TestResult[Any]:
        """Move it on to its end, and give what came of it."""
        return self._runner.finish(self.execution_arn)

    def snapshot(self) -> TestResult[Any]:
        """What is recorded so far."""
        return self._runner.snapshot(self.execution_arn)


class AsyncRun:
    """``Run`` for tests that are ``async``: what moves it runs in a thread."""

    def __init__(self, run: Run) -> None:
        self.blocking = run
        self.execution_arn = run.execution_arn

    @property
    def is_over(self) -> bool:
        """As ``Run.is_over``."""
        return self.blocking.is_over

    async def settle(self) -> None:
        """As ``Run.settle``."""
        await asyncio.to_thread(self.blocking.settle)

    async def wait_for_callback(self, name: str | None = None) -> PendingCallback:
        """As ``Run.wait_for_callback``."""
        return await asyncio.to_thread(self.blocking.wait_for_callback, name)

    def stop(self, error: ErrorObject | None = None) -> None:
        """As ``Run.stop``."""
        self.blocking.stop(error)

    async def result(self) -> TestResult[Any]:
        """As ``Run.result``."""
        return await asyncio.to_thread(self.blocking.result)

    def snapshot(self) -> TestResult[Any]:
        """As ``Run.snapshot``."""
        return self.blocking.snapshot()
