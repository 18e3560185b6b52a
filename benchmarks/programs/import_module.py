"""How long the import of a module takes, and how much of what is heavy comes with it: ``import_module.py MODULE``."""

from __future__ import annotations

import importlib
import sys
import time

HEAVY = ("boto3", "botocore", "pydantic")

start = time.perf_counter()
importlib.import_module(sys.argv[1])
wall = time.perf_counter() - start
heavy = sum(name.partition(".")[0] in HEAVY for name in sys.modules)

if __name__ == "__main__":
    from meter import report  # imported late: what it imports would not be counted

    report(wall=wall, heavy=heavy)
