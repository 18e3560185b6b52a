"""Functions of every kind that a step can be given. Read by the type checkers alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from durable_core import StepConfig, durable_step

T = TypeVar("T")


@dataclass
class Receipt:
    number: int


def count() -> int:
    return 1


async def fetch(url: str, retries: int = 3) -> Receipt:
    return Receipt(len(url) + retries)


def promise() -> Awaitable[str]:
    return asyncio.sleep(0, "kept")


def nothing() -> None: ...


def perhaps() -> Receipt | None:
    return None


def same(value: T) -> T:
    return value


async def same_later(value: T) -> T:
    return value


def total(*amounts: int) -> int:
    return sum(amounts)


class Shop:
    def stock(self, article: str) -> list[str]:
        return [article]

    async def order(self, article: str) -> Receipt:
        return Receipt(len(article))

    def count(self, state: int) -> int:
        return state + 1

    @classmethod
    def opened(cls) -> Shop:
        return cls()

    @staticmethod
    def tax(amount: float) -> float:
        return amount


class Charge:
    def __call__(self, amount: float) -> Receipt:
        return Receipt(int(amount))


class ChargeLater:
    async def __call__(self, amount: float) -> Receipt:
        return Receipt(int(amount))


def more(state: int) -> int:
    return state + 1


def is_ten(state: int) -> bool:
    return state >= 10


async def more_later(state: Receipt) -> Receipt:
    return Receipt(state.number + 1)


def send(callback_id: str) -> None: ...


async def mail(callback_id: str, to: str, copies: int = 1) -> bool:
    return len(callback_id + to) > copies


@durable_step
def bare(amount: int) -> str:
    return str(amount)


@durable_step(name="named", config=StepConfig())
async def named(amount: int) -> bytes:
    return bytes(amount)
