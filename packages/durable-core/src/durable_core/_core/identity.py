"""Operation ids: a function of the place of an operation in the program, never of time or chance.

The ids of a sequential program are those that the official Python SDK gives (golden values in the tests).
"""

from __future__ import annotations

from hashlib import blake2b


def operation_id(context: str | None, key: str) -> str:
    """The id of the operation with *key* in the context with the id *context* (``None``: the root).

    *key* is the number of the operation among those of its context, from 1 (a branch of ``map`` or ``parallel``: its
    index, from 0); in a task of the workflow it carries the task's path, as in ``"t2.3"``.
    """
    return hashed(id_prefix(context) + key)


def id_prefix(context: str | None) -> str:
    """What comes before the keys of operations in the context with the id *context*."""
    return "" if context is None else f"{context}-"


def hashed(text: str) -> str:
    """The id that stands for *text*, a prefix and a key."""
    return blake2b(text.encode()).hexdigest()[:64]


def replay_key(execution_arn: str, operation_id: str) -> str:
    """A key that is the same on every attempt and replay of one operation, and unlike that of any other execution."""
    return blake2b(f"{execution_arn}\n{operation_id}".encode()).hexdigest()[:64]


def execution_name(arn: str) -> str:
    """The NAME of ``…:function:F:V/durable-execution/NAME/ID``; the whole *arn* where it is formed otherwise."""
    parts = arn.split("/")
    return parts[-2] if len(parts) >= 3 and parts[-3] == "durable-execution" else arn
