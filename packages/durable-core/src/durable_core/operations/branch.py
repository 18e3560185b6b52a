"""One branch of ``ctx.map`` or ``ctx.parallel``: a context of its own, for one item or for a batch of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from durable_core._core.identity import hashed
from durable_core._core.rebuilding import Family, rebuild
from durable_core._runtime.attempt import is_awaitable
from durable_core._runtime.group import Outcome
from durable_core._runtime.kind import Kind
from durable_core._runtime.scope import Lane, Scope
from durable_core._wire.shapes import ErrorObject, Operation
from durable_core.completion import CompletionConfig, Tally
from durable_core.config import ChildConfig, ItemBatcher
from durable_core.errors import ChildContextError, OperationError, SerDesError, ValidationError
from durable_core.operations.batches import BatchSerDes
from durable_core.operations.child import Child
from durable_core.operations.functions import FunctionFacts, facts_of, serdes_of
from durable_core.results import BatchItem, BatchResult, CompletionReason, ItemStatus
from durable_core.serdes import SerDes, encode_json

MakeContext = Callable[[Scope], object]


class Given(Struct, frozen=True):
    """What a program gave for one branch, or for one item of it."""

    index: int
    name: str
    item: Any = None


class BranchSpec(Struct, frozen=True):
    """A branch that is to run: ``func(ctx, *args)``."""

    func: Callable[..., Any]
    args: tuple[Any, ...]
    name: str
    given: tuple[Given, ...]
    """What it runs for: itself, or the items of a batch."""
    one_by_one: Callable[[Any], Any] | None = None
    """How it drives the items of a batch; ``None``: it is no batch."""


class Branch(Child):
    """One branch. Its id comes from its index, not from the order in which branches begin."""

    __slots__ = ("_given", "subtype")

    def __init__(self, spec: BranchSpec, subtype: str, config: ChildConfig, make_context: MakeContext) -> None:
        super().__init__(spec.func, spec.args, spec.name, config, make_context)
        self.subtype: str = subtype
        self._given = spec.given

    def __str__(self) -> str:
        return f'branch "{self.name}"'

    def stand_under(self, batch: Kind[Any], scope: Scope, index: int) -> None:
        """Take the place of the branch with this *index* in a *batch*, whose branches run in *scope*."""
        lane = Lane(scope, "", scope.lane.replaying)  # of its own: another branch that is new does not make it new
        self.stand(lane, index, hashed(f"{lane.prefix}{index}"), batch._code, batch._at)
        batch.execution.journal.read(self.id)

    def ended(self, outcome: Outcome) -> Sequence[BatchItem[Any]]:
        """What became of what it ran for; what is no failure of its own is raised again."""
        error = outcome.exception()
        if error is None:
            return self._returned(outcome.result())
        if not isinstance(error, OperationError):
            raise error
        return [BatchItem(each.index, each.name, ItemStatus.FAILED, None, error) for each in self._given]

    def left(self) -> Sequence[BatchItem[Any]]:
        """The same where the batch was complete without it."""
        return [BatchItem(each.index, each.name, ItemStatus.STARTED) for each in self._given]

    def _returned(self, value: Any) -> Sequence[BatchItem[Any]]:
        return [BatchItem(self.number, self.name, ItemStatus.SUCCEEDED, value)]

    async def run_unrecorded(self) -> Any:
        value = await super().run_unrecorded()
        try:
            return self.write(self._serdes(), value)[1]
        except SerDesError as error:  # which would else be that of the whole batch
            raise self._unrecorded(error) from error

    def _unrecorded(self, error: BaseException) -> BaseException:
        failure = self.failed(self.describe(error), standing(self.id, self.name))
        failure.__cause__ = error
        return failure


class BatchBranch(Branch):
    """A branch that runs a function for a batch of items, one after the other; the failure of one is its own."""

    __slots__ = ("_completion", "_each", "_item_facts", "_one_by_one", "_total")

    def __init__(
        self,
        spec: BranchSpec,
        subtype: str,
        config: ChildConfig,
        make_context: MakeContext,
        completion: CompletionConfig,
        total: int,
    ) -> None:
        super().__init__(spec, subtype, config, make_context)
        assert spec.one_by_one is not None, "it is a batch"
        self._item_facts: FunctionFacts = facts_of(spec.func)
        self._one_by_one = spec.one_by_one
        self._each = spec.func
        self._completion = CompletionConfig.all_completed() if completion.should_complete else completion
        self._total = total
        self._func = self._run_all

    def _run_all(self, context: Any) -> Any:
        return self._one_by_one(self._run_each(context))

    async def _run_each(self, context: Any) -> BatchResult[Any]:
        tally = Tally(self._completion, self._total)
        items: list[BatchItem[Any]] = []
        for each in self._given:
            try:
                result = self._each(context, each.item, each.index)
                value = await result if is_awaitable(result) else result
                value = self.write(self._item_serdes(), value)[1]  # or it fails, and no other
                items.append(BatchItem(each.index, each.name, ItemStatus.SUCCEEDED, value))
            except Exception as error:
                failure = self._failure(each.index, each.name, self.describe(error))
                items.append(BatchItem(each.index, each.name, ItemStatus.FAILED, None, failure))
            tally.add(items[-1])
            if tally.reason() is not None:
                break  # so many failures, or successes, suffice whatever the other branches come to
        return BatchResult(items, tally.reason() or CompletionReason.ALL_COMPLETED)

    def _returned(self, value: BatchResult[Any]) -> Sequence[BatchItem[Any]]:
        return value.items

    def _serdes(self) -> SerDes[Any]:
        serdes = self._item_serdes()
        return BatchSerDes(lambda index: serdes, self.describe, self._failure)

    def _item_serdes(self) -> SerDes[Any]:
        return serdes_of(self.config, self.execution.settings, self._item_facts)

    def _failure(self, index: int, name: str | None, record: ErrorObject) -> OperationError:
        return item_failure(self, self._item_facts, record, self.id, name)


def in_batches(given: Sequence[Given], batcher: ItemBatcher) -> list[tuple[Given, ...]]:
    """*given* in order, in batches as large as the *batcher* allows; an item that is larger alone goes alone."""
    batches: list[list[Given]] = []
    taken = 0
    for each in given:
        size = 0 if batcher.max_bytes is None else _size(each)
        full = not batches or (batcher.max_items is not None and len(batches[-1]) >= batcher.max_items)
        if full or (batcher.max_bytes is not None and taken + size > batcher.max_bytes):
            batches.append([])
            taken = 0
        batches[-1].append(each)
        taken += size
    return [tuple(batch) for batch in batches]


def _size(given: Given) -> int:
    """The bytes of an item as JSON."""
    try:
        return len(encode_json(given.item).encode())
    except (SerDesError, TypeError, ValueError) as error:
        raise ValidationError(
            f"ItemBatcher.max_bytes measures items as JSON, and item {given.index} has none ({error}); use max_items"
        ) from error


def item_failure(
    batch: Kind[Any], facts: FunctionFacts, record: ErrorObject, id: str, name: str | None
) -> OperationError:
    """The error that *record* describes, of an item of *batch* with this *name*; its branch has this *id*."""
    family = Family(batch.execution.settings.errors, facts.names)
    return rebuild(ChildContextError, record, standing(id, name), family)


def standing(id: str, name: str | None) -> Operation:
    """As much of a record as the error of a branch needs."""
    entry: Operation = {"Id": id, "Type": "CONTEXT", "Status": "FAILED", "StartTimestamp": 0}
    if name is not None:
        entry["Name"] = name
    return entry
