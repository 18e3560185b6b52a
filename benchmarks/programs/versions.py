"""The versions of Python and of installed distributions: ``versions.py DISTRIBUTION…``."""

from __future__ import annotations

import json
import platform
import sys
from importlib.metadata import PackageNotFoundError, version


def told(distribution: str) -> str:
    """The distribution and its version, as far as it is installed."""
    try:
        return f"{distribution} {version(distribution)}"
    except PackageNotFoundError:
        return f"{distribution} (not installed)"


if __name__ == "__main__":
    python = f"{platform.python_implementation()} {platform.python_version()}"
    print(json.dumps({"versions": ", ".join([*map(told, sys.argv[1:]), python])}))
