"""``@durable_execution``: a Lambda event in, a Lambda answer out."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Generic, Protocol, TypeVar, overload

from durable_core import blocking
from durable_core._runtime.execution import Settings
from durable_core._wire.shapes import InvocationAnswer
from durable_core.client import DurableServiceClient, as_service_client, default_client
from durable_core.config import Checkpointing, ReplayLogging, check_callable, check_errors, check_serdes
from durable_core.context import DurableContext
from durable_core.errors import ValidationError
from durable_core.limits import ServiceLimits
from durable_core.plugin import DurablePlugin, PluginFactory
from durable_core.retry import RetryStrategy
from durable_core.serdes import SerDes
from durable_core.workflow import Workflow, check_event

A = TypeVar("A", bound=Callable[[Any, DurableContext], Coroutine[Any, Any, Any]])
B = TypeVar("B", bound=Callable[[Any, blocking.DurableContext], Any])
H = TypeVar("H", bound=Callable[..., Any])


class DurableFunction(Generic[H]):
    """A Lambda entry point: ``handler(event, lambda_context) -> answer``. Made by ``@durable_execution``."""

    def __init__(self, func: H, settings: Settings) -> None:
        self.durable: Workflow = Workflow(func, settings)
        """The workflow and its settings, as a runner finds them."""
        self.__name__: str
        self.__qualname__: str
        self.__module__: str
        self.__wrapped__: H = func
        functools.update_wrapper(self, func)
        if "AWS_LAMBDA_FUNCTION_NAME" in os.environ and settings.client is None:
            default_client()  # what is built while the module loads costs nothing of the first invocation

    def __call__(self, event: Any, lambda_context: Any = None) -> dict[str, Any]:
        """Run one invocation."""
        invocation = check_event(event)
        client = self.durable.settings.client or default_client()
        answer: InvocationAnswer = self.durable.invoke(invocation, lambda_context, client=client)
        return dict(answer)


class _Decorator(Protocol):
    """``@durable_execution(…)``, about to decorate a handler."""

    @overload
    def __call__(self, func: A, /) -> DurableFunction[A]: ...

    @overload
    def __call__(self, func: B, /) -> DurableFunction[B]: ...


@overload
def durable_execution(func: A, /) -> DurableFunction[A]: ...


@overload
def durable_execution(func: B, /) -> DurableFunction[B]: ...


@overload
def durable_execution(
    *,
    client: DurableServiceClient | object | None = None,
    serdes: SerDes[Any] | None = None,
    retry_strategy: RetryStrategy | None = None,
    checkpointing: Checkpointing = Checkpointing.EAGER,
    errors: Sequence[type[BaseException]] = (),
    limits: ServiceLimits = ServiceLimits.CURRENT,
    replay_logging: ReplayLogging = ReplayLogging.SUPPRESS_ALL,
    stack_traces: bool = False,
    plugins: Sequence[PluginFactory] = (),
) -> _Decorator: ...


def durable_execution(
    func: Callable[..., Any] | None = None,
    /,
    *,
    client: DurableServiceClient | object | None = None,
    serdes: SerDes[Any] | None = None,
    retry_strategy: RetryStrategy | None = None,
    checkpointing: Checkpointing = Checkpointing.EAGER,
    errors: Sequence[type[BaseException]] = (),
    limits: ServiceLimits = ServiceLimits.CURRENT,
    replay_logging: ReplayLogging = ReplayLogging.SUPPRESS_ALL,
    stack_traces: bool = False,
    plugins: Sequence[PluginFactory] = (),
) -> Any:
    """Make ``async def handler(event, ctx)`` or ``def handler(event, ctx)`` a durable Lambda function.

    The event is decoded into the annotation of the first parameter, the result is encoded by the return annotation;
    without one, plain JSON. *client* is a ``DurableServiceClient`` or a boto3 Lambda client (default: made from the
    environment). *serdes* and *retry_strategy* are the defaults of the operations; *checkpointing* says when the
    workflow goes on after a step; *errors* are exception classes to rebuild on a replay. *limits* is what the SDK
    refuses by itself. *stack_traces* sends them to the service with errors. *plugins* are classes of
    ``DurablePlugin``, or other factories of them. A handler of another shape is a
    ``TypeError`` at once.
    """
    check_callable(retry_strategy, "retry_strategy", "FixedDelay(3)")
    check_serdes(serdes, "serdes")
    for value, kind in ((limits, ServiceLimits), (replay_logging, ReplayLogging), (checkpointing, Checkpointing)):
        if not isinstance(value, kind):
            raise ValidationError(f"@durable_execution takes a {kind.__name__} there, got {value!r}")
    settings = Settings(
        client=None if client is None else as_service_client(client),
        serdes=serdes,
        retry_strategy=retry_strategy,
        checkpointing=checkpointing,
        errors=check_errors(errors, "errors"),
        limits=limits,
        replay_logging=replay_logging,
        stack_traces=stack_traces,
        plugins=_checked_plugins(plugins),
    )
    if func is not None:
        return DurableFunction(func, settings)

    def decorate(decorated: Callable[..., Any]) -> DurableFunction[Callable[..., Any]]:
        return DurableFunction(decorated, settings)

    return decorate


def _checked_plugins(plugins: Sequence[PluginFactory]) -> tuple[PluginFactory, ...]:
    """*plugins* as a tuple; ``ValidationError`` unless all of them are factories."""
    given: object = plugins
    if not isinstance(given, list | tuple) or any(
        isinstance(each, DurablePlugin) or not callable(each) for each in given
    ):
        raise ValidationError(
            "plugins takes a list of classes of DurablePlugin, or of functions that make one from an InvocationStart, "
            f"such as [Tracing] or [lambda start: Tracing(exporter)]; got {given!r}"
        )
    return tuple(plugins)


def _makes_plugins(factory: object) -> bool:
    return callable(factory) and not isinstance(factory, DurablePlugin)
