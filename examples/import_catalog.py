"""Maps: the same work for every item, so many at a time, with a rule for when to stop, and in batches."""

from __future__ import annotations

from dataclasses import dataclass

from durable_core import (
    BatchResult,
    CompletionConfig,
    CompletionReason,
    DurableContext,
    ItemBatcher,
    MapConfig,
    RetryPresets,
    StepConfig,
    blocking,
    durable_execution,
)
from durable_testing import LocalRunner


@dataclass
class Product:
    sku: str
    price: float


@dataclass
class Summary:
    stored: int
    rejected: list[str]
    reason: CompletionReason


AT_ONCE = StepConfig(retry_strategy=RetryPresets.NONE)

# Ten products at a time; stop when more than a quarter of all have failed.
STORING = MapConfig[str](
    max_concurrency=10,
    completion=CompletionConfig(tolerated_failure_percentage=25),
    item_namer=lambda product, index: product.sku,
)

# One branch, and so one record, for each hundred products.
INDEXING = MapConfig[int](batcher=ItemBatcher(max_items=100), completion=CompletionConfig.all_completed())


def store(product: Product) -> str:
    if product.price <= 0:
        raise ValueError(f"{product.sku} has no price")
    return product.sku


def summary(stored: BatchResult[str], indexed: BatchResult[int]) -> Summary:
    """Branches that failed are items of the result, with their errors; ``raise_if_failed()`` would raise the first."""
    assert indexed.success_count == stored.success_count
    rejected = [f"{item.name}: {item.error}" for item in stored.failed]
    return Summary(stored.success_count, rejected, stored.completion_reason)


async def store_product(ctx: DurableContext, product: Product, index: int) -> str:
    return await ctx.step(store, product, config=AT_ONCE)


async def index_product(ctx: DurableContext, sku: str, index: int) -> int:
    return len(sku)  # plain computing, recorded with its branch


@durable_execution
async def import_catalog(products: list[Product], ctx: DurableContext) -> Summary:
    stored = await ctx.map(products, store_product, name="store", config=STORING)
    indexed = await ctx.map(stored.results, index_product, name="index", config=INDEXING)
    return summary(stored, indexed)


def store_product_now(ctx: blocking.DurableContext, product: Product, index: int) -> str:
    return ctx.step(store, product, config=AT_ONCE)


def index_product_now(ctx: blocking.DurableContext, sku: str, index: int) -> int:
    return len(sku)


@durable_execution
def import_catalog_blocking(products: list[Product], ctx: blocking.DurableContext) -> Summary:
    stored = ctx.map(products, store_product_now, name="store", config=STORING)
    indexed = ctx.map(stored.results, index_product_now, name="index", config=INDEXING)
    return summary(stored, indexed)


def main() -> None:
    """Import eight products, one of which has no price."""
    products = [Product(f"sku-{number}", number * 1.5) for number in range(8)]
    for handler in (import_catalog, import_catalog_blocking):
        with LocalRunner(handler) as runner:
            result = runner.run(products)
        print(f"{handler.__name__}: {result.value}")
        result.print()
        print()


if __name__ == "__main__":
    main()
