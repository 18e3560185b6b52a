"""Every program, by its name."""

from __future__ import annotations

import crash_programs_asking
import crash_programs_cancelling
import crash_programs_children
import crash_programs_concurrent
import crash_programs_outside
import crash_programs_sequential
from crash_program import Program

PROGRAMS = {
    each.name: each
    for module in (
        crash_programs_sequential,
        crash_programs_children,
        crash_programs_concurrent,
        crash_programs_cancelling,
        crash_programs_outside,
        crash_programs_asking,
    )
    for each in vars(module).values()
    if isinstance(each, Program)
}
