"""The pure parts: no event loop, threads, clock, logging or boto3."""
