"""Workflows written once for both flavours, and what plugins were told of their runs."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from both_flavours import Body, handler_of

from durable_core import (
    AttemptEnd,
    AttemptStart,
    DurablePlugin,
    Duration,
    InvocationEnd,
    InvocationStart,
    NoRetry,
    OperationChange,
    OperationInfo,
    StepConfig,
)
from durable_testing import LocalRunner, TestResult

SECOND: Final = Duration.from_seconds(1)
HOUR: Final = Duration.from_hours(1)
ONCE: Final = StepConfig(retry_strategy=NoRetry())
HOOKS: Final = (
    "on_invocation_start",
    "on_operation_start",
    "on_attempt_start",
    "on_attempt_end",
    "on_operation_change",
    "on_operation_end",
    "on_invocation_end",
)


class Told(NamedTuple):
    """One call of a hook."""

    hook: str
    info: Any
    plugin: DurablePlugin
    thread: int
    operations: Mapping[str, OperationInfo]
    """A copy of what the info shows as recorded, where it does."""


class Story:
    """What a plugin was told in all invocations of an execution. It is a factory of that plugin."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    def __call__(self, start: InvocationStart) -> DurablePlugin:
        return Teller(start, self)

    def infos(self, hook: str, name: str | None = None) -> list[Any]:
        """What this *hook* was told, of the operation with this *name*."""
        return [
            each.info for each in self.told if each.hook == f"on_{hook}" and (name is None or each.info.name == name)
        ]

    def lines(self, *hooks: str) -> list[str]:
        """A line for each call of these *hooks*, or of all.

        Whether a START shares the call of what follows it is a matter of milliseconds: changes to STARTED have none.
        """
        lines = [(each.hook, _line(each.hook.removeprefix("on_"), each.info)) for each in self.told]
        return [line for hook, line in lines if line and (not hooks or hook.removeprefix("on_") in hooks)]

    def of(self, name: str) -> list[str]:
        """The lines that are of the operation with this *name*."""
        return [
            _line(each.hook.removeprefix("on_"), each.info)
            for each in self.told
            if getattr(each.info, "name", None) == name
        ]


class Teller(DurablePlugin):
    """Adds every call of a hook to a story."""

    def __init__(self, start: InvocationStart, story: Story) -> None:
        super().__init__(start)
        self.told = story.told

    def tell(self, hook: str, info: Any) -> None:
        """Add one call."""
        shown = dict(info.operations) if hasattr(info, "operations") else {}
        self.told.append(Told(hook, info, self, threading.get_ident(), shown))

    def on_invocation_start(self, info: InvocationStart) -> None:
        self.tell("on_invocation_start", info)

    def on_invocation_end(self, info: InvocationEnd) -> None:
        self.tell("on_invocation_end", info)

    def on_operation_start(self, info: OperationInfo) -> None:
        self.tell("on_operation_start", info)

    def on_operation_change(self, info: OperationChange) -> None:
        self.tell("on_operation_change", info)

    def on_operation_end(self, info: OperationInfo) -> None:
        self.tell("on_operation_end", info)

    def on_attempt_start(self, info: AttemptStart) -> None:
        self.tell("on_attempt_start", info)

    def on_attempt_end(self, info: AttemptEnd) -> None:
        self.tell("on_attempt_end", info)


def _line(hook: str, info: Any) -> str:
    match info:
        case InvocationEnd():
            return f"{hook} {info.status}"
        case InvocationStart():
            return f"{hook} {'first' if info.is_first_invocation else 'again'}"
        case OperationChange():
            news = [f"{_label(each)} {each.status}" for each in info.updated_operations.values()]
            shown = [each for each in news if not each.endswith("STARTED")]
            return f"{hook} {', '.join(shown)}" if shown else ""
        case AttemptEnd():
            outcome = info.outcome if info.exception is None else f"{info.outcome} {type(info.exception).__name__}"
            return f"{hook} {_label(info)} {outcome}"
        case AttemptStart():
            again = " again" * info.is_replayed + " for its children" * info.is_replaying_children
            return f"{hook} {_label(info)}{again}"
        case _:
            again = " again" if info.is_replayed else ""
            return f"{hook} {_label(info)}{again}" + (f" {info.status}" if info.status != "STARTED" else "")


def _label(info: OperationInfo) -> str:
    label = f"{info.sub_type} {info.name}" if info.name is not None else f"{info.sub_type}"
    return label if info.attempt is None or not isinstance(info, AttemptStart) else f"{label} #{info.attempt}"


def told_of(flavour: str, body: Body, *, status: str = "SUCCEEDED", **options: Any) -> Story:
    """What plugins are told of *body*, run to its end."""
    return run(flavour, body, status=status, **options)[0]


def run(
    flavour: str,
    body: Body,
    *,
    status: str = "SUCCEEDED",
    functions: Mapping[str, Any] | None = None,
    client: Any = None,
    settings: Mapping[str, Any] | None = None,
    verify: bool = True,
    **options: Any,
) -> tuple[Story, TestResult[Any]]:
    """The same, and what came of it."""
    story = Story()
    runner = LocalRunner(
        handler_of(flavour, body, plugins=[story], **(settings or {})), client=client, verify_replay=verify
    )
    for name, target in (functions or {}).items():
        runner.register(name, target)
    result = runner.run(**options)
    assert result.status == status, result.error
    return story, result


class Variable:
    """A context variable that plugins set."""

    def __init__(self, name: str) -> None:
        self.var: contextvars.ContextVar[str] = contextvars.ContextVar(name, default="unset")

    def get(self) -> str:
        """Its value here."""
        return self.var.get()
