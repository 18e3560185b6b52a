"""The table of what is measured: a row for each work of which a target is set."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from measure import Program


class Unit(Enum):
    """How a figure is shown: what its number is multiplied with, and the sign after it."""

    MICROSECONDS = (1e6, "µs")
    MILLISECONDS = (1e3, "ms")
    MEGABYTES = (1e-6, "MB")
    COUNT = (1.0, "")

    def show(self, figure: float) -> str:
        factor, sign = self.value
        number = figure * factor
        digits = 0 if number >= 100 or number == int(number) else 1 if number >= 10 else 2
        return f"{number:,.{digits}f} {sign}".rstrip()


class Faster(NamedTuple):
    """The official figure divided by ours is *factor* or more."""

    factor: float

    def met(self, official: float, ours: float) -> bool:
        return official >= self.factor * ours

    def __str__(self) -> str:
        return f"{self.factor:g} × less" if self.factor > 1 else "less"


class AtMost(NamedTuple):
    """Our figure is *most* or less, whatever the official one."""

    most: float
    unit: Unit = Unit.COUNT

    def met(self, official: float, ours: float) -> bool:
        return ours <= self.most

    def __str__(self) -> str:
        return f"at most {self.unit.show(self.most)}"


class Pair(NamedTuple):
    """Two programs that do the same work, one with each SDK; they print the same figures."""

    ours: Program
    official: Program


class Work(NamedTuple):
    """One row: a figure of a pair of programs, and what it should reach."""

    name: str
    title: str
    pair: Pair
    figure: str
    unit: Unit
    target: Faster | AtMost
    per: int = 1
    """What the figure is divided by: how many steps, for one a step."""


def _pair(work: str, ours: str = "", official: str = "", *, http: bool = False) -> Pair:
    return Pair(
        Program(f"ours_{work}.py", tuple(ours.split()), http),
        Program(f"official_{work}.py", tuple(official.split()), http),
    )


US, MS, MB, COUNT = Unit.MICROSECONDS, Unit.MILLISECONDS, Unit.MEGABYTES, Unit.COUNT

IMPORT = Pair(
    Program("import_module.py", ("durable_core",)), Program("import_module.py", ("aws_durable_execution_sdk_python",))
)
COLD = _pair("cold", http=True)
EMPTY = _pair("steps", "async 0 100", "0 10")
ONE_STEP = _pair("steps", "async 1 100", "1 10")
BLOCKING_ONE_STEP = _pair("steps", "blocking 1 100", "1 10")
STEPS = _pair("steps", "async 1000 1", "1000 1")
THREAD_STEPS = _pair("steps", "threads 1000 1", "1000 1")
BLOCKING_STEPS = _pair("steps", "blocking 1000 1", "1000 1")
BATCHED_STEPS = _pair("steps", "async 1000 1 batched", "1000 1")
OPTIMISTIC_STEPS = _pair("steps", "async 1000 1 optimistic", "1000 1")
HTTP_STEPS = _pair("steps", "async 1000 1 http", "1000 1 http", http=True)
CALLS_OF_2 = _pair("checkpoint", "2 300", "2 300", http=True)
CALLS_OF_250 = _pair("checkpoint", "250 30", "250 30", http=True)
REPLAY_1K = _pair("replay", "async 1000", "1000")
REPLAY_10K = _pair("replay", "async 10000", "10000")
REPLAY_25K = _pair("replay", "async 25000", "25000")
BLOCKING_REPLAY = _pair("replay", "blocking 1000", "1000")
GATHER = _pair("gather", "1000", "1000")
MAP_1K = _pair("map", "async 1000 0", "1000 0")
MAP_10K = _pair("map", "async 10000 0", "10000 0")
PAUSES = _pair("pauses", "1000", "1000")
BLOCKING_MAP = _pair("map", "blocking 1000 0", "1000 0")
BLOCKING_NAPS = _pair("map", "blocking 1000 5", "1000 5")
RUNNER_WAITS = _pair("runner", "100 50", "100 50")
RUNNER_STEPS = _pair("runner", "1000 0", "1000 0")

# fmt: off
WORKS = (
    Work("cold", "cold start: new process to the README's first checkpoint, wall", COLD, "wall", MS, Faster(4)),
    Work("cold-invocation", "… of that, after the module is loaded", COLD, "after_load", MS, Faster(10)),
    Work("import", "`import` of the core alone, wall", IMPORT, "wall", MS, Faster(4)),
    Work("import-heavy", "… modules of boto3, botocore, pydantic that come with it", IMPORT, "heavy", COUNT, AtMost(0)),
    Work("warm-empty", "one warm invocation without operations, wall", EMPTY, "wall", MS, Faster(50)),
    Work("warm-step", "one warm invocation with one step, wall", ONE_STEP, "wall", MS, Faster(50)),
    Work("steps-cpu", "1,000 `async def` steps, CPU a step", STEPS, "cpu", US, Faster(6), 1_000),
    Work("steps-wall", "… wall a step", STEPS, "wall", US, Faster(20), 1_000),
    Work("steps-calls", "… calls to the service", STEPS, "calls", COUNT, AtMost(1_000)),
    Work("batched-calls", "… calls in `BATCHED`", BATCHED_STEPS, "calls", COUNT, Faster(20)),
    Work("optimistic-calls", "… calls in `OPTIMISTIC`", OPTIMISTIC_STEPS, "calls", COUNT, AtMost(20)),
    Work("threads-cpu", "1,000 `def` steps on worker threads, CPU a step", THREAD_STEPS, "cpu", US, Faster(2), 1_000),
    Work("blocking-cpu", "blocking flavour: 1,000 steps, CPU a step", BLOCKING_STEPS, "cpu", US, Faster(15), 1_000),
    Work("blocking-calls", "… calls to the service", BLOCKING_STEPS, "calls", COUNT, AtMost(1_000)),
    Work("blocking-warm", "… a warm invocation with one step, wall", BLOCKING_ONE_STEP, "wall", MS, Faster(200)),
    Work("blocking-replay", "… replay of 1,000 steps, CPU a step", BLOCKING_REPLAY, "cpu", US, Faster(10)),
    Work("http-wall", "1,000 `async def` steps over HTTP, wall a step", HTTP_STEPS, "wall", US, Faster(5), 1_000),
    Work("checkpoint-2", "one checkpoint call of 2 updates over HTTP, CPU", CALLS_OF_2, "cpu", US, Faster(3)),
    Work("checkpoint-250", "one checkpoint call of 250 updates over HTTP, CPU", CALLS_OF_250, "cpu", US, Faster(6)),
    Work("replay-1k", "replay of 1,000 steps, CPU a step", REPLAY_1K, "cpu", US, Faster(10)),
    Work("replay-10k", "replay of 10,000 steps, CPU a step", REPLAY_10K, "cpu", US, Faster(10)),
    Work("replay-25k", "replay of 25,000 steps, CPU a step", REPLAY_25K, "cpu", US, Faster(10)),
    Work("replay-growth", "… as a multiple of that at 1,000 steps", REPLAY_25K, "growth", COUNT, AtMost(1.25)),
    Work("replay-memory", "… memory above an idle process, the event included", REPLAY_25K, "memory", MB, Faster(1)),
    Work("gather-cpu", "gather of 1,000 × two steps (official: map), CPU", GATHER, "cpu", MS, Faster(10)),
    Work("gather-threads", "… threads", GATHER, "threads", COUNT, AtMost(4)),
    Work("gather-calls", "… calls to the service", GATHER, "calls", COUNT, AtMost(20)),
    Work("map-cpu", "map of 1,000 items of one `async def` step, CPU", MAP_1K, "cpu", MS, Faster(10)),
    Work("map-threads", "… threads", MAP_1K, "threads", COUNT, AtMost(4)),
    Work("map-calls", "… calls to the service", MAP_1K, "calls", COUNT, AtMost(20)),
    Work("map-memory", "… memory above an idle process", MAP_1K, "memory", MB, Faster(2)),
    Work("map-10k-cpu", "map of 10,000 such items, CPU", MAP_10K, "cpu", MS, Faster(15)),
    Work("map-10k-growth", "… an item, as a multiple of one of 1,000", MAP_10K, "growth", COUNT, AtMost(1.5)),
    Work("map-10k-threads", "… threads", MAP_10K, "threads", COUNT, AtMost(4)),
    Work("map-10k-memory", "… memory of the process, at its peak", MAP_10K, "peak", MB, AtMost(150e6, MB)),
    Work("map-suspend", "1,000 map items that wait: the first invocation, CPU", PAUSES, "suspend", MS, Faster(6)),
    Work("map-resume", "… the invocation after all waits, CPU", PAUSES, "resume", MS, Faster(6)),
    Work("blocking-map-cpu", "blocking flavour: map of 1,000 such items, CPU", BLOCKING_MAP, "cpu", MS, Faster(3)),
    Work("blocking-map-threads", "… threads", BLOCKING_MAP, "threads", COUNT, AtMost(64)),
    Work("blocking-naps-cpu", "… of steps that sleep 5 ms, CPU", BLOCKING_NAPS, "cpu", MS, Faster(3)),
    Work("blocking-naps-threads", "… threads", BLOCKING_NAPS, "threads", COUNT, AtMost(64)),
    Work("runner-waits", "test runner: 100 steps and 50 waits of a day, wall", RUNNER_WAITS, "wall", MS, Faster(60)),
    Work("runner-steps", "test runner: 1,000 steps, wall", RUNNER_STEPS, "wall", MS, Faster(15)),
)
# fmt: on
