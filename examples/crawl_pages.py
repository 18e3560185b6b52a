"""Concurrency in ``async def``: asyncio's own tasks, queues and locks over operations, alike on every replay."""

from __future__ import annotations

import asyncio

from durable_core import DurableContext, Duration, durable_execution
from durable_testing import LocalRunner

LINKS = {"/": ["/shop", "/about"], "/shop": ["/shop/1", "/shop/2"], "/about": ["/"]}


async def links_of(page: str) -> list[str]:
    return LINKS.get(page, [])  # stands for a request


def count_words(page: str) -> int:
    return len(page)


@durable_execution
async def crawl(start: str, ctx: DurableContext) -> list[str]:
    """Three workers share a queue. Results come in the order in which the first run saw them, on every replay."""
    queue: asyncio.Queue[str] = asyncio.Queue()
    found = [start]
    queue.put_nowait(start)

    async def worker() -> None:
        while True:
            page = await queue.get()
            for link in await ctx.step(links_of, page, name=f"links of {page}"):
                if link not in found:
                    found.append(link)
                    queue.put_nowait(link)
            await ctx.wait(Duration.from_seconds(5), name=f"politeness after {page}")
            queue.task_done()

    workers = [asyncio.create_task(worker()) for _ in range(3)]
    await queue.join()
    for task in workers:
        task.cancel()
    return found


@durable_execution
async def measure(pages: list[str], ctx: DurableContext) -> dict[str, int]:
    """``gather`` and ``TaskGroup`` take operations as they take coroutines."""
    first, second = await asyncio.gather(
        ctx.step(count_words, pages[0], name="first"), ctx.step(count_words, pages[1], name="second")
    )
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ctx.step(count_words, page, name=page)) for page in pages[2:]]
    return dict(zip(pages, [first, second, *(task.result() for task in tasks)], strict=True))


def main() -> None:
    """Run both."""
    for handler, event in ((crawl, "/"), (measure, ["/", "/shop", "/about", "/shop/1"])):
        with LocalRunner(handler) as runner:
            result = runner.run(event)
        print(f"{handler.__name__}: {result.value}")
        result.print()
        print()


if __name__ == "__main__":
    main()
