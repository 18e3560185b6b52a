"""The blocking context of handlers that call ``map`` and ``parallel``, which it does not have yet.

When it has them, ``from durable_core import blocking`` takes the place of this module.
"""

from __future__ import annotations

from typing import Any, TypeAlias

DurableContext: TypeAlias = Any
