"""The context object that Lambda gives a function, as far as functions read it."""

from __future__ import annotations

import time
from datetime import timedelta


class LambdaContext:
    """What a function may know of its invocation; its time runs out by this machine's clock."""

    memory_limit_in_mb = "1024"
    function_version = "$LATEST"
    identity = None
    client_context = None

    def __init__(self, function_name: str, request_id: str, timeout: timedelta) -> None:
        self.function_name = function_name
        self.aws_request_id = request_id
        self.invoked_function_arn = f"arn:aws:lambda:us-east-1:123456789012:function:{function_name}:$LATEST"
        self.log_group_name = f"/aws/lambda/{function_name}"
        self.log_stream_name = "local"
        self._end = time.monotonic() + timeout.total_seconds()

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda would end the sandbox."""
        return max(0, int((self._end - time.monotonic()) * 1000))
