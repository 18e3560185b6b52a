"""Places in the order of a workflow: contexts, and the lanes of the tasks in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durable_core._core.identity import hashed, id_prefix

if TYPE_CHECKING:
    from durable_core._runtime.driver import Driver
    from durable_core._runtime.execution import Execution


class Scope:
    """A context while it runs: the root, a child, or a branch."""

    __slots__ = (
        "above",
        "depth",
        "driver",
        "ended",
        "execution",
        "id",
        "lane",
        "name",
        "over",
        "parent_id",
        "placed",
        "returned",
        "tasks",
    )

    def __init__(
        self,
        execution: Execution,
        driver: Driver,
        *,
        id: str | None,
        name: str | None,
        parent_id: str | None,
        replaying: bool,
        over: bool = False,
        depth: int = 0,
        above: str | None = None,
    ) -> None:
        self.above: str | None = above
        """What its own operation is recorded under; ``None`` at the root, and for what is directly under it."""
        self.depth: int = depth
        self.execution: Execution = execution
        self.driver: Driver = driver
        """What carries its operations through this invocation."""
        self.id: str | None = id
        """Its operation's id, which the ids of its operations are made from; ``None`` at the root."""
        self.name: str | None = name
        self.parent_id: str | None = parent_id
        """What its operations are recorded under: the nearest context that is recorded itself."""
        self.placed: set[Any] = set()
        """Operations that were called and not yet awaited."""
        self.tasks: set[Any] = set()
        """Tasks of the workflow that are not done, but for its body."""
        self.returned: list[Lane] = []
        """The lanes of those that returned by themselves."""
        self.over: bool = over
        """Its outcome is recorded: it runs only to give its result again, and may record nothing."""
        self.ended: bool = False
        self.lane: Lane = Lane(self, "", replaying)

    def __str__(self) -> str:
        if self.id is None:
            return "this execution"
        return f'child context "{self.name}"' if self.name else f"child context {self.id}"


class Lane:
    """The order of one task of the workflow: its operations, and the tasks that it starts, are numbered from 1."""

    __slots__ = ("current", "operations", "path", "prefix", "replaying", "scope", "tasks")

    def __init__(self, scope: Scope, path: str, replaying: bool) -> None:
        self.scope: Scope = scope
        self.path: str = path
        self.prefix: str = id_prefix(scope.id) + path
        """What the ids of its operations are made from, before their numbers."""
        self.operations: int = 0
        self.tasks: int = 0
        self.replaying: bool = replaying
        self.current: object = None
        """The operation that it is in the middle of, in a blocking workflow; its own code does not run meanwhile."""

    def branch(self) -> Lane:
        """The lane of a task that this lane starts."""
        self.tasks += 1
        return Lane(self.scope, f"{self.path}t{self.tasks}.", self.replaying)

    def next_ids(self) -> list[str]:
        """Where this lane would go on: the places after its last, and the first one of a further task."""
        keys = [*(str(self.operations + n) for n in (1, 2, 3)), f"t{self.tasks + 1}.1"]
        return [hashed(self.prefix + key) for key in keys]

    def __str__(self) -> str:
        return f"{self.scope}, task {self.path.rstrip('.')}" if self.path else str(self.scope)
