"""``ctx.map`` and ``ctx.parallel``: many branches, each a context of its own, and one recorded outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from msgspec import Struct

from durable_core._core.identity import operation_id
from durable_core._runtime.attempt import Attempt
from durable_core._runtime.group import Outcome
from durable_core._runtime.scope import Scope
from durable_core._wire.shapes import ErrorObject
from durable_core.completion import CompletionConfig, Tally
from durable_core.config import ChildConfig, MapConfig, Nesting, ParallelConfig
from durable_core.errors import OperationError, SizeLimitError, ValidationError
from durable_core.operations.batches import BatchSerDes, Outline
from durable_core.operations.branch import BatchBranch, Branch, BranchSpec, Given, MakeContext, in_batches, item_failure
from durable_core.operations.child import Child
from durable_core.operations.functions import checked_name, facts_of, serdes_of
from durable_core.results import BatchItem, BatchResult, CompletionReason, ItemStatus
from durable_core.serdes import SerDes

F = TypeVar("F")
F_co = TypeVar("F_co", covariant=True)

_MAP: MapConfig[Any] = MapConfig()
_PARALLEL: ParallelConfig[Any] = ParallelConfig()


class ParallelBranch(Struct, Generic[F_co], frozen=True):
    """A branch of ``parallel`` that has a name."""

    func: F_co
    name: str


Branches = Sequence[F | ParallelBranch[F]] | Mapping[str, F]
"""What ``parallel`` takes."""
Plan = tuple[tuple[str, str], list[BranchSpec], ParallelConfig[Any]]


def mapped(
    items: Iterable[Any], func: Callable[..., Any], config: MapConfig[Any] | None, drive: Callable[[Any], Any]
) -> Plan:
    """The branches of ``map``; *drive* runs a coroutine over the items of a batch, in a branch."""
    facts_of(func)
    how: object = config or _MAP
    if not isinstance(how, MapConfig):
        raise ValidationError(f"map takes a MapConfig as its config, got {how!r}")
    given: object = items
    if not isinstance(given, Iterable) or isinstance(given, str | bytes | Mapping):
        raise ValidationError(f"map takes the items as a list or another iterable, got {items!r}")
    namer = how.item_namer or (lambda item, index: f"map-item-{index}")
    every = [Given(index, _named(namer(item, index)), item) for index, item in enumerate(items)]
    if how.batcher is None:
        specs = [BranchSpec(func, (each.item, each.index), each.name, (each,)) for each in every]
    else:
        batches = in_batches(every, how.batcher)
        specs = [BranchSpec(func, (), f"map-items-{each[0].index}-{each[-1].index}", each, drive) for each in batches]
    return ("Map", "MapIteration"), specs, how


def paralleled(branches: Branches[Any], config: ParallelConfig[Any] | None) -> Plan:
    """The branches of ``parallel``."""
    how: object = config or _PARALLEL
    if not isinstance(how, ParallelConfig):
        raise ValidationError(f"parallel takes a ParallelConfig as its config, got {how!r}")
    given: object = branches
    if isinstance(given, Mapping):
        pairs = [ParallelBranch(func, name) for name, func in branches.items()]  # type: ignore[union-attr]
    elif isinstance(given, Sequence) and not isinstance(given, str | bytes):
        pairs = [
            each if isinstance(each, ParallelBranch) else ParallelBranch(each, f"parallel-branch-{index}")
            for index, each in enumerate(given)
        ]
    else:
        raise ValidationError(f"parallel takes a sequence of functions, or a mapping from names to them, got {given!r}")
    for each in pairs:
        facts_of(each.func)
    specs = [
        BranchSpec(each.func, (), _named(each.name), (Given(index, each.name),)) for index, each in enumerate(pairs)
    ]
    return ("Parallel", "ParallelBranch"), specs, how


def _named(name: object) -> str:
    """The *name* of a branch; ``ValidationError`` unless it is one."""
    checked = checked_name(name)
    if checked is None:
        raise ValidationError("the name of a branch is a string, got None")
    return checked


class Recorded(NamedTuple):
    """What is known of a batch that is over, and runs again for its result alone."""

    over: frozenset[int]
    """The branches, by place, that were over when it was."""
    reason: CompletionReason
    """Why it was, if the tally does not say."""


class Batch:
    """The plan of a fan-out: its branches, so many at a time, until the tally is complete.

    One that runs again begins the same branches at the same time, since their code may share state.
    """

    def __init__(
        self, tally: Tally, branches: Iterator[Branch], at_a_time: int, recorded: Recorded | None = None
    ) -> None:
        self._tally = tally
        self._branches = branches
        self._at_a_time = at_a_time
        self._recorded = recorded
        self._missing = set[int]() if recorded is None else set(recorded.over)
        self._reason: CompletionReason | None = None
        self._items: list[BatchItem[Any]] = []
        self._running: dict[Branch, None] = {}
        self._next = next(branches, None)

    def is_done(self) -> bool:
        if self._reason is None:
            self._reason = self._tally.reason()
        if self._reason is None and not self._missing:
            if self._recorded is not None:
                self._reason = self._recorded.reason
            elif self._next is None and not self._running:
                self._reason = CompletionReason.ALL_COMPLETED
        return self._reason is not None

    def begin(self) -> Branch | None:
        if self._next is None or len(self._running) >= self._at_a_time:
            return None
        branch, self._next = self._next, next(self._branches, None)
        self._running[branch] = None
        return branch

    def is_lost(self, operand: Branch) -> bool:
        return self._recorded is not None and operand.number not in self._recorded.over

    def end(self, operand: Branch, outcome: Outcome) -> None:
        del self._running[operand]
        self._missing.discard(operand.number)
        for item in operand.ended(outcome):
            self._items.append(item)
            self._tally.add(item)

    def result(self) -> BatchResult[Any]:
        """What it came to."""
        items = [*self._items, *(item for branch in self._running for item in branch.left())]
        assert self._reason is not None, "it is done"
        return BatchResult(sorted(items, key=lambda item: item.index), self._reason)


class FanOut(Child):
    """A CONTEXT whose body runs branches."""

    __slots__ = ("_branch_config", "_branch_subtype", "_how", "_places", "_specs", "_total", "subtype")

    def __init__(
        self,
        subtypes: tuple[str, str],
        specs: Sequence[BranchSpec],
        config: ParallelConfig[Any],
        name: str | None,
        make_context: MakeContext,
    ) -> None:
        recorded = ChildConfig(summary_generator=config.summary_generator)
        super().__init__(_the_body, (), None, recorded, make_context)
        self.name: str | None = checked_name(name)
        self.subtype: str = subtypes[0]
        self._branch_subtype = subtypes[1]
        self._specs = specs
        self._places = [place for place, spec in enumerate(specs) for _ in spec.given]  # of the branches, by item
        self._total = len(self._places)
        self._how = config
        flat = config.nesting is Nesting.FLAT
        self._branch_config = ChildConfig(serdes=config.item_serdes, returns=config.returns, virtual=flat)

    def __str__(self) -> str:
        kind = self.subtype.lower()
        return f'{kind} "{self.name}"' if self.name else f"a {kind}"

    def admit(self) -> None:
        limits, journal = self.execution.settings.limits, self.execution.journal
        used = journal.metered() if limits.metered else len(journal.operations)
        needed = 1 + (len(self._specs) if self._how.nesting is Nesting.NESTED else 0)
        if used + needed > limits.operations:
            raise SizeLimitError(
                f"{self} of {len(self._specs)} branches takes {needed} operations; the execution has used {used} of "
                f"the {limits.operations} that it may have"
            )

    async def enter(self, *, begun: bool, over: bool = False) -> Attempt:
        scope = self.inside(begun=begun, over=over)
        group = self.driver.group(self, scope)
        try:
            plan = await group.run(self._plan(scope, self._recorded() if over else None))
            result = Attempt(plan.result())
        except Exception as error:
            result = Attempt(error=error)
        except asyncio.CancelledError:
            group.cancel()
            raise
        group.cancel()  # the branches that it does not need may clean up before it ends
        await group.close()
        scope.ended = True
        return result

    def _plan(self, scope: Scope, recorded: Recorded | None) -> Batch:
        outlined = recorded is not None and self._how.nesting is Nesting.FLAT
        completion = CompletionConfig.all_completed() if outlined else self._how.completion
        branches = (self._branch(scope, index) for index in range(len(self._specs)))
        at_a_time = self._how.max_concurrency or len(self._specs)
        return Batch(Tally(completion, self._total), branches, at_a_time, recorded)

    def _recorded(self) -> Recorded:
        """Which branches were over when the batch was."""
        if self._how.nesting is Nesting.FLAT:  # nothing is recorded of a branch but its operations
            outline = Outline.read(self.entry().get("ContextDetails", {}).get("Result", ""))
            items = {*outline.indexes(ItemStatus.SUCCEEDED), *outline.indexes(ItemStatus.FAILED)}
            over = (place for place, spec in enumerate(self._specs) if spec.given[0].index in items)
            return Recorded(frozenset(over), outline.completion_reason)
        has_ended = self.execution.journal.has_ended
        over = (place for place in range(len(self._specs)) if has_ended(self._branch_id(place)))
        return Recorded(frozenset(over), CompletionReason.CUSTOM)

    def _branch(self, scope: Scope, index: int) -> Branch:
        how = self._how
        config = self._branch_config
        spec = self._specs[index]
        if spec.one_by_one is None:
            branch = Branch(spec, self._branch_subtype, config, self._make_context)
        else:
            branch = BatchBranch(spec, self._branch_subtype, config, self._make_context, how.completion, self._total)
        branch.stand_under(self, scope, index)
        return branch

    def write(self, serdes: SerDes[Any], value: Any) -> tuple[str, Any]:
        if not isinstance(serdes, BatchSerDes):
            return super().write(serdes, value)
        return serdes.write(value, self._serdes_context(), self._recorded_text)

    def _recorded_text(self, index: int) -> str | None:
        """What is recorded as the result of this item; ``None``: it has no record of its own, or is not in it."""
        place = self._places[index]
        entry = self.execution.journal.find(self._branch_id(place))
        if entry is None or self._specs[place].one_by_one is not None:
            return None
        details = entry.get("ContextDetails", {})
        return None if details.get("ReplayChildren") else details.get("Result")

    def _summary(self, value: Any) -> str:
        if self._how.summary_generator is None:
            return Outline.of(value, self._total).write()
        return super()._summary(value)

    def _serdes(self) -> SerDes[Any]:
        return self._how.serdes or BatchSerDes(self._item_serdes, self.describe, self._item_failure)

    def _item_serdes(self, index: int) -> SerDes[Any]:
        return serdes_of(self._branch_config, self.execution.settings, facts_of(self._specs[self._places[index]].func))

    def _item_failure(self, index: int, name: str | None, record: ErrorObject) -> OperationError:
        place = self._places[index]
        return item_failure(self, facts_of(self._specs[place].func), record, self._branch_id(place), name)

    def _branch_id(self, place: int) -> str:
        return operation_id(self.id, str(place))


def _the_body(scope: Scope) -> Any:
    """Stands for a batch's body where facts of it are asked for: nothing is declared."""
