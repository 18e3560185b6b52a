"""What the members of the API's requests may be, as its model says. (botocore checks types and ranges, no patterns.)"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from durable_testing.service.shapes import Blob, Choice, Each, Flag, Moment, Record, Text, Whole

ARN: Final = Text(
    r"arn:([a-zA-Z0-9-]+):lambda:([a-zA-Z0-9-]+):(\d{12}):function:([a-zA-Z0-9_-]+)"
    r":(\$LATEST(?:\.PUBLISHED)?|[0-9]+)/durable-execution/([a-zA-Z0-9_-]+)/([a-zA-Z0-9_-]+)",
    most=1024,
)
FUNCTION: Final = Text(
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
    r"([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?",
    most=256,
)
QUALIFIER: Final = Text(r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+", most=128)
VERSION: Final = Text(r"(\$LATEST(\.PUBLISHED)?|[0-9]+)", most=1024)
EXECUTION_NAME: Final = Text(r"[a-zA-Z0-9-_]+", most=64)
OPERATION_ID: Final = Text(r"[a-zA-Z0-9-_]+", most=64)
OPERATION_NAME: Final = Text(r"[\x20-\x7E]+", most=256)
SUB_TYPE: Final = Text(r"[a-zA-Z0-9-_]+", most=32)
CHECKPOINT_TOKEN: Final = Text(r"[A-Za-z0-9+/]+={0,2}", most=2048)
CALLBACK_ID: Final = Text(r"[A-Za-z0-9+/]+={0,2}", most=1024)
CLIENT_TOKEN: Final = Text(r"[\x21-\x7E]+", most=64)
TENANT: Final = Text(r"[a-zA-Z0-9\._:\/=+\-@ ]+", most=256)
TRACE: Final = Text(least=0, most=8192)
REASON: Final = Text(least=0, most=1024)
MARKER: Final = Text(least=0)
FREE: Final = Text(least=0)
PAYLOAD: Final = Text(least=0, most=6_291_456)
FLAG: Final = Flag()
MAX_ITEMS: Final = Whole(0, 1000)
SECONDS: Final = Whole(1, 31_622_400)
TIMEOUT: Final = Whole(0, 99_999_999)
STATUSES: Final = Choice("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "STOPPED", "DELETING", "PAUSING", "PAUSED")

ERROR: Final = Record(ErrorMessage=FREE, ErrorType=FREE, ErrorData=FREE, StackTrace=Each(FREE))

UPDATE: Final = Record(
    ("Id", "Type", "Action"),
    Id=OPERATION_ID,
    ParentId=OPERATION_ID,
    Name=OPERATION_NAME,
    Type=Choice("EXECUTION", "CONTEXT", "STEP", "WAIT", "CALLBACK", "CHAINED_INVOKE"),
    SubType=SUB_TYPE,
    Action=Choice("START", "SUCCEED", "FAIL", "RETRY", "CANCEL"),
    Payload=PAYLOAD,
    Error=ERROR,
    ContextOptions=Record(ReplayChildren=FLAG),
    StepOptions=Record(NextAttemptDelaySeconds=SECONDS),
    WaitOptions=Record(WaitSeconds=SECONDS),
    CallbackOptions=Record(TimeoutSeconds=TIMEOUT, HeartbeatTimeoutSeconds=TIMEOUT),
    ChainedInvokeOptions=Record(("FunctionName",), FunctionName=FUNCTION, TenantId=TENANT, XAmznTraceId=TRACE),
)

REQUESTS: Final[Mapping[str, Record]] = {
    "CheckpointDurableExecution": Record(
        ("DurableExecutionArn", "CheckpointToken"),
        DurableExecutionArn=ARN,
        CheckpointToken=CHECKPOINT_TOKEN,
        Updates=Each(UPDATE),
        ClientToken=CLIENT_TOKEN,
    ),
    "GetDurableExecutionState": Record(
        ("DurableExecutionArn", "CheckpointToken"),
        DurableExecutionArn=ARN,
        CheckpointToken=CHECKPOINT_TOKEN,
        Marker=MARKER,
        MaxItems=MAX_ITEMS,
    ),
    "GetDurableExecution": Record(("DurableExecutionArn",), DurableExecutionArn=ARN, IncludeExecutionData=FLAG),
    "GetDurableExecutionHistory": Record(
        ("DurableExecutionArn",),
        DurableExecutionArn=ARN,
        IncludeExecutionData=FLAG,
        MaxItems=MAX_ITEMS,
        Marker=MARKER,
        ReverseOrder=FLAG,
    ),
    "ListDurableExecutionsByFunction": Record(
        ("FunctionName",),
        FunctionName=FUNCTION,
        Qualifier=QUALIFIER,
        DurableExecutionName=EXECUTION_NAME,
        Statuses=Each(STATUSES, least=1, most=10),
        StartedAfter=Moment(),
        StartedBefore=Moment(),
        ReverseOrder=FLAG,
        Marker=MARKER,
        MaxItems=MAX_ITEMS,
    ),
    "StopDurableExecution": Record(("DurableExecutionArn",), DurableExecutionArn=ARN, Error=ERROR),
    "PauseDurableExecution": Record(
        ("DurableExecutionArn",),
        DurableExecutionArn=ARN,
        ClientToken=CLIENT_TOKEN,
        Reason=REASON,
        ExecutionTimeoutPaused=FLAG,
    ),
    "ResumeDurableExecution": Record(
        ("DurableExecutionArn",), DurableExecutionArn=ARN, ClientToken=CLIENT_TOKEN, Reason=REASON
    ),
    "DeleteDurableExecution": Record(("DurableExecutionArn",), DurableExecutionArn=ARN),
    "SendDurableExecutionCallbackSuccess": Record(("CallbackId",), CallbackId=CALLBACK_ID, Result=Blob(1_048_576)),
    "SendDurableExecutionCallbackFailure": Record(("CallbackId",), CallbackId=CALLBACK_ID, Error=ERROR),
    "SendDurableExecutionCallbackHeartbeat": Record(("CallbackId",), CallbackId=CALLBACK_ID),
}
"""The members of each request, by the name of the API's operation."""

ANSWER: Final = Record(("Status",), Status=Choice("SUCCEEDED", "FAILED", "PENDING"), Result=FREE, Error=ERROR)
"""What a durable function answers to an invocation."""

START: Final = Record(
    function_name=Text(r"[a-zA-Z0-9-_]+", most=64),
    version=VERSION,
    name=EXECUTION_NAME,
    payload=FREE,
    execution_timeout=SECONDS,
)
"""What an execution is started with."""
