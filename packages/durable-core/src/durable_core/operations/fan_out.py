"""``ctx.map`` and ``ctx.parallel``: many branches, each a context of its own, and one recorded outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from msgspec import Struct

from durable_core._core.clock import ended
from durable_core._core.identity import hashed
from durable_core._core.rebuilding import Family, rebuild
from durable_core._runtime.attempt import Attempt
from durable_core._runtime.group import Outcome
from durable_core._runtime.kind import Kind
from durable_core._runtime.scope import Lane, Scope
from durable_core._wire.shapes import TERMINAL, ErrorObject, Operation
from durable_core.completion import CompletionConfig, Tally
from durable_core.config import ChildConfig, MapConfig, Nesting, ParallelConfig
from durable_core.errors import ChildContextError, OperationError, SizeLimitError, ValidationError
from durable_core.operations.batches import BatchSerDes, Outline
from durable_core.operations.child import Child
from durable_core.operations.functions import checked_name, facts_of, serdes_of
from durable_core.results import BatchItem, BatchResult, CompletionReason, ItemStatus
from durable_core.serdes import SerDes

F = TypeVar("F")

_MAP: MapConfig[Any] = MapConfig()
_PARALLEL: ParallelConfig[Any] = ParallelConfig()
MakeContext = Callable[[Scope], object]


class BranchSpec(Struct, frozen=True):
    """A branch that is to run: ``func(ctx, *args)``."""

    func: Callable[..., Any]
    args: tuple[Any, ...]
    name: str


class ParallelBranch(Struct, Generic[F], frozen=True):
    """A branch of ``parallel`` that has a name."""

    func: F
    name: str


Branches = Sequence[F | ParallelBranch[F]] | Mapping[str, F]
"""What ``parallel`` takes."""
Plan = tuple[tuple[str, str], list[BranchSpec], ParallelConfig[Any]]


def mapped(items: Iterable[Any], func: Callable[..., Any], config: MapConfig[Any] | None) -> Plan:
    """The branches of ``map``."""
    facts_of(func)
    how: object = config or _MAP
    if not isinstance(how, MapConfig):
        raise ValidationError(f"map takes a MapConfig as its config, got {how!r}")
    given: object = items
    if not isinstance(given, Iterable) or isinstance(given, str | bytes | Mapping):
        raise ValidationError(f"map takes the items as a list or another iterable, got {items!r}")
    namer = how.item_namer or (lambda item, index: f"map-item-{index}")
    specs = [BranchSpec(func, (item, index), _named(namer(item, index))) for index, item in enumerate(items)]
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
    return ("Parallel", "ParallelBranch"), [BranchSpec(each.func, (), _named(each.name)) for each in pairs], how


def _named(name: object) -> str:
    """The *name* of a branch; ``ValidationError`` unless it is one."""
    checked = checked_name(name)
    if checked is None:
        raise ValidationError("the name of a branch is a string, got None")
    return checked


class Branch(Child):
    """One branch of a batch. Its id comes from its index, not from the order in which branches begin."""

    __slots__ = ("subtype",)

    def __init__(self, spec: BranchSpec, subtype: str, config: ChildConfig, make_context: MakeContext) -> None:
        super().__init__(spec.func, spec.args, spec.name, config, make_context)
        self.subtype: str = subtype

    def __str__(self) -> str:
        return f'branch "{self.name}"'

    def stand_under(self, batch: Kind[Any], scope: Scope, index: int) -> None:
        """Take the place of the branch with this *index* in a *batch*, whose branches run in *scope*."""
        lane = Lane(scope, "", scope.lane.replaying)  # of its own: another branch that is new does not make it new
        self.stand(lane, index, hashed(f"{lane.prefix}{index}"), batch._code, batch._at)
        batch.execution.journal.read(self.id)

    def succeeded(self, value: Any) -> BatchItem[Any]:
        """What became of it, since it returned *value*."""
        return BatchItem(self.number, self.name, ItemStatus.SUCCEEDED, value)

    def raised(self, error: BaseException) -> BatchItem[Any]:
        """What became of it, since it raised *error*; what is no failure of its own is raised again."""
        if not isinstance(error, OperationError):
            raise error
        return BatchItem(self.number, self.name, ItemStatus.FAILED, None, error)

    def _unrecorded(self, error: BaseException) -> BaseException:
        failure = self.failed(self.describe(error), standing(self.id, self.name))
        failure.__cause__ = error
        return failure

    def left(self) -> BatchItem[Any]:
        """What became of it, since the batch was complete without it."""
        return BatchItem(self.number, self.name, ItemStatus.STARTED)


class Batch:
    """The plan of a fan-out: its branches, so many at a time, until the tally is complete."""

    def __init__(
        self,
        tally: Tally,
        branches: Iterator[Branch],
        at_a_time: int,
        left: Iterable[Branch] = (),
        otherwise: CompletionReason = CompletionReason.ALL_COMPLETED,
    ) -> None:
        """*left* had begun, whether they run now or not; *otherwise* is why it ended if no tally says so."""
        self._tally = tally
        self._branches = branches
        self._at_a_time = at_a_time
        self._otherwise = otherwise
        self._reason: CompletionReason | None = None
        self._items: list[BatchItem[Any]] = []
        self._left = dict.fromkeys(left)
        self._running: set[Branch] = set()
        self._next = next(branches, None)

    def is_done(self) -> bool:
        if self._reason is None:
            self._reason = self._tally.reason()
        if self._reason is None and self._next is None and not self._running:
            self._reason = self._otherwise
        return self._reason is not None

    def begin(self) -> Branch | None:
        if self._next is None or len(self._running) >= self._at_a_time:
            return None
        branch, self._next = self._next, next(self._branches, None)
        self._running.add(branch)
        self._left[branch] = None
        return branch

    def is_lost(self, operand: Branch) -> bool:
        return False  # one that is recorded as under way is not begun

    def end(self, operand: Branch, outcome: Outcome) -> None:
        self._running.remove(operand)
        del self._left[operand]
        error = outcome.exception()
        self._items.append(operand.succeeded(outcome.result()) if error is None else operand.raised(error))
        self._tally.add(self._items[-1])

    def result(self) -> BatchResult[Any]:
        """What it came to."""
        items = [*self._items, *(branch.left() for branch in self._left)]
        assert self._reason is not None, "it is done"
        return BatchResult(sorted(items, key=lambda item: item.index), self._reason)


class FanOut(Child):
    """A CONTEXT whose body runs branches."""

    __slots__ = ("_branch_subtype", "_how", "_specs", "subtype")

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
        self._how = config

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
            plan = await group.run(self._replayed(scope) if over else self._begun(scope))
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

    def _begun(self, scope: Scope) -> Batch:
        """The plan of a batch that runs."""
        total = len(self._specs)
        return Batch(
            Tally(self._how.completion, total),
            (self._branch(scope, index) for index in range(total)),
            self._how.max_concurrency or total,
        )

    def _replayed(self, scope: Scope) -> Batch:
        """The plan of a batch that is over, and was too large to record: its branches give its result once more."""
        if self._how.nesting is Nesting.FLAT:
            return self._outlined(scope)
        tally = Tally(self._how.completion, len(self._specs))
        branches = [self._branch(scope, index) for index in range(len(self._specs))]
        entries = [(entry, branch) for branch in branches if (entry := self.execution.journal.find(branch.id))]
        over = [(ended(entry), branch.id, branch) for entry, branch in entries if entry["Status"] in TERMINAL]
        begun = [branch for _, branch in entries]
        return Batch(tally, iter([branch for _, _, branch in sorted(over)]), 1, begun, CompletionReason.CUSTOM)

    def _outlined(self, scope: Scope) -> Batch:
        """The same where nothing is recorded of a branch but its operations."""
        outline = Outline.read(self.entry().get("ContextDetails", {}).get("Result", ""))
        ran = [*outline.indexes(ItemStatus.SUCCEEDED), *outline.indexes(ItemStatus.FAILED)]
        left = [self._branch(scope, index) for index in outline.indexes(ItemStatus.STARTED)]
        all_of_them = Tally(CompletionConfig.all_completed(), len(self._specs))
        return Batch(all_of_them, (self._branch(scope, index) for index in ran), 1, left, outline.completion_reason)

    def _branch(self, scope: Scope, index: int) -> Branch:
        how = self._how
        config = ChildConfig(serdes=how.item_serdes, returns=how.returns, virtual=how.nesting is Nesting.FLAT)
        branch = Branch(self._specs[index], self._branch_subtype, config, self._make_context)
        branch.stand_under(self, scope, index)
        return branch

    def _summary(self, value: Any) -> str:
        if self._how.summary_generator is None:
            return Outline.of(value, len(self._specs)).write()
        return super()._summary(value)

    def _serdes(self) -> SerDes[Any]:
        return self._how.serdes or BatchSerDes(self._item_serdes, self.describe, self._item_failure)

    def _item_serdes(self, index: int) -> SerDes[Any]:
        config = ChildConfig(serdes=self._how.item_serdes, returns=self._how.returns)
        return serdes_of(config, self.execution.settings, facts_of(self._specs[index].func))

    def _item_failure(self, index: int, name: str | None, record: ErrorObject) -> OperationError:
        family = Family(self.execution.settings.errors, facts_of(self._specs[index].func).names)
        return rebuild(ChildContextError, record, standing(hashed(f"{self.id}-{index}"), name), family)


def standing(id: str, name: str | None) -> Operation:
    """As much of a record as the error of a branch needs."""
    entry: Operation = {"Id": id, "Type": "CONTEXT", "Status": "FAILED", "StartTimestamp": 0}
    if name is not None:
        entry["Name"] = name
    return entry


def _the_body(scope: Scope) -> Any:
    """Stands for a batch's body where facts of it are asked for: nothing is declared."""
