"""The suites that are played: all of them."""

from __future__ import annotations

import handlers_callback
import handlers_child
import handlers_invoke
import handlers_map
import handlers_parallel
import handlers_plugin
import handlers_step
import handlers_wait
import handlers_wait_for_callback
import handlers_wait_for_condition

READY = {
    "callback": handlers_callback.SUITE,
    "child": handlers_child.SUITE,
    "invoke": handlers_invoke.SUITE,
    "map": handlers_map.SUITE,
    "parallel": handlers_parallel.SUITE,
    "plugin": handlers_plugin.SUITE,
    "step": handlers_step.SUITE,
    "wait": handlers_wait.SUITE,
    "wait_for_callback": handlers_wait_for_callback.SUITE,
    "wait_for_condition": handlers_wait_for_condition.SUITE,
}
