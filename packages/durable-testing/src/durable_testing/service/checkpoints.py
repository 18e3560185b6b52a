"""How a running invocation records and reads: every call shows a token, and each token is good for one record."""

from __future__ import annotations

from collections.abc import Sequence

from durable_core.spi import OperationUpdate
from durable_testing.service.errors import Rejection
from durable_testing.service.execution import Execution
from durable_testing.service.executions import Executions
from durable_testing.service.lifecycle import take_pause
from durable_testing.service.machine import apply
from durable_testing.service.pages import Page, changed_page, marker, numbers_of, state_page
from durable_testing.service.tokens import Answer, Call, Lease


def checkpoint(
    executions: Executions, arn: str, token: str, client_token: str | None, updates: Sequence[OperationUpdate]
) -> Answer:
    """Record a batch, after all that time has led to, and give what the handler does not know yet."""
    execution, lease = _holder(executions, arn)
    repeated = lease.repeated(token, client_token, executions.clock.now())
    if repeated is not None:
        return repeated
    now = executions.advance(execution)
    _admit(execution, lease, token)
    executions.record(execution, executions.dispatch(execution, apply(execution.state, updates, now)))
    executions.record(execution, take_pause(execution.state, now))
    operations, following = execution.tell()
    answer = Answer(operations, following, lease.renew(last=execution.state.status != "RUNNING"))
    lease.remember(Call(token, client_token, now, answer))
    return answer


def read(executions: Executions, arn: str, token: str, text: str | None, most: int) -> tuple[Page, str | None]:
    """Give a page of the operations that a replay needs, or one more of those that an answer began to tell."""
    execution, lease = _holder(executions, arn)
    executions.catch_up(execution)
    _admit(execution, lease, token)
    *told, first = numbers_of(text, 1, 3) if text else (0,)
    if told:
        page = changed_page(execution.state, told[0], told[1], first, most)
    else:
        page = state_page(execution.state, first, most)
    return page, None if page.next is None else marker(*told, page.next)


def _holder(executions: Executions, arn: str) -> tuple[Execution, Lease]:
    execution = executions.get(arn)
    if execution is None:
        raise Rejection(f"Invalid checkpoint token: there is no execution {arn}")
    if execution.lease is None:
        raise Rejection("Invalid checkpoint token: no invocation of the execution is running")
    return execution, execution.lease


def _admit(execution: Execution, lease: Lease, token: str) -> None:
    if execution.state.ending is not None:
        raise Rejection(f"Invalid checkpoint token: the execution is {execution.state.status}")
    lease.check(token)
