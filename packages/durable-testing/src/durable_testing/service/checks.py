"""Why an update is not taken: each check lets it pass, or says in a ``Rejection`` what it found."""

from __future__ import annotations

from durable_core.spi import ErrorObject, InvocationAnswer, Operation, OperationUpdate
from durable_testing.service.arns import function_of
from durable_testing.service.errors import Rejection
from durable_testing.service.facts import FactKind, Subject
from durable_testing.service.limits import Limits
from durable_testing.service.members import ANSWER
from durable_testing.service.rules import ANSWERS, CARRIES, KINDS, MOVES, NEW, OVER, From
from durable_testing.service.shapes import Shape
from durable_testing.service.sizes import error_size, text_size


def next_kind(update: OperationUpdate, known: Operation | None) -> FactKind:
    """Give the fact that an update leads to from where its operation is, if it may go there at all."""
    type_, action = update["Type"], update["Action"]
    status: From = known["Status"] if known is not None else NEW
    actions = MOVES[type_]
    if action not in actions:
        raise Rejection(f"{type_} has no {action}; it has {', '.join(actions)}")
    if status not in actions[action]:
        found = "does not exist" if status == NEW else f"is {status}"
        raise Rejection(f"the operation {found}; {action} is for {' or '.join(actions[action])}")
    to = actions[action][status]
    if to == "PENDING":
        return "StepFailed" if "Error" in update else "StepSucceeded"
    return KINDS[type_, to]


def check_fields(update: OperationUpdate) -> None:
    """Let pass an update that has what its type and action need, and nothing else."""
    fields = CARRIES[update["Type"], update["Action"]]
    present = update.keys()
    if not fields.must <= present:
        raise Rejection(f"{_listed(fields.must - present)} missing")
    if not present <= fields.all:
        raise Rejection(f"{_listed(present - fields.all)} not allowed")
    if fields.one_of and len(present & fields.one_of) != 1:
        found = len(present & fields.one_of)
        raise Rejection(f"takes exactly one of {_listed(fields.one_of)}, not {found} of them")
    if "StepOptions" in update and "NextAttemptDelaySeconds" not in update["StepOptions"]:
        raise Rejection("StepOptions.NextAttemptDelaySeconds missing")
    if "WaitOptions" in update and "WaitSeconds" not in update["WaitOptions"]:
        raise Rejection("WaitOptions.WaitSeconds missing")
    if "ChainedInvokeOptions" in update:
        function_of(update["ChainedInvokeOptions"]["FunctionName"])


def check_sizes(update: OperationUpdate, limits: Limits) -> None:
    """Let pass an update whose payload and error are within the limits."""
    if "Payload" in update:
        check_text("Payload", update["Payload"], limits.payload(update["Type"]))
    if "Error" in update:
        check_error(update["Error"], limits)


def check_text(name: str, text: str, most: int) -> None:
    """Let pass a text of at most so many bytes in UTF-8."""
    size = text_size(text)
    if size > most:
        raise Rejection(f"{name} has {size:,} bytes; at most {most:,} are taken")


def check_error(error: ErrorObject, limits: Limits) -> None:
    """Let pass an error whose fields together are within the limit."""
    size = error_size(error)
    if size > limits.error_object:
        raise Rejection(f"Error has {size:,} bytes as JSON; at most {limits.error_object:,} are taken")


def check(shape: Shape, value: object) -> None:
    """Let pass a value of that shape."""
    if flaw := shape.flaw(value):
        raise Rejection(flaw.removeprefix("."))


def check_answer(answer: InvocationAnswer, limits: Limits) -> None:
    """Let pass what a function may answer to an invocation."""
    check(ANSWER, answer)
    status = answer["Status"]
    if extra := answer.keys() - {"Status"} - ANSWERS[status]:
        raise Rejection(f"the answer is {status}; {_listed(extra)} not allowed")
    check_text("Result", answer.get("Result", ""), limits.execution_payload)
    check_error(answer.get("Error", {}), limits)


def check_same(asked: Subject, known: Subject) -> None:
    """Let pass an operation that is the one that was started, in every respect."""
    if asked == known:
        return
    for name, now, then in zip(Subject._fields, asked, known, strict=True):
        if now != then:
            raise Rejection(f"the operation was started with {name} {then!r}, and is now given {now!r}")


def check_parent(update: OperationUpdate, parent: Operation | None) -> None:
    """Let pass an update under a CONTEXT that is there; under one that is over, only a CANCEL."""
    if "ParentId" not in update:
        return
    id_ = update["ParentId"]
    if parent is None:
        raise Rejection(f"the parent {id_!r} does not exist")
    if parent["Type"] != "CONTEXT":
        raise Rejection(f"the parent {id_!r} is of type {parent['Type']}, not CONTEXT")
    if parent["Status"] in OVER and update["Action"] != "CANCEL":
        raise Rejection(f"the parent {id_!r} is over: {parent['Status']}")


def _listed(names: frozenset[str] | set[str]) -> str:
    return " and ".join(sorted(names))
