"""The warnings that the SDK logs while an invocation runs."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager


class _Collector(logging.Handler):
    def __init__(self, into: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._into = into

    def emit(self, record: logging.LogRecord) -> None:
        self._into.append(record.getMessage())


@contextmanager
def collected_warnings(into: list[str]) -> Generator[None]:
    """Put what is logged at WARNING or above to ``durable_core`` *into* the list as well."""
    logger, collector = logging.getLogger("durable_core"), _Collector(into)
    logger.addHandler(collector)
    try:
        yield
    finally:
        logger.removeHandler(collector)
