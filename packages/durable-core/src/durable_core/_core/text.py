"""Foreign text in messages of ours."""

from __future__ import annotations


def visible(text: object) -> str:
    """*text* with line breaks, escape codes and their like written out, so that it cannot pass for lines of a log."""
    shown = str(text)
    return shown if shown.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in shown)
