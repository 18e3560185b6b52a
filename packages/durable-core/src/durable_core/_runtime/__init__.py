"""One invocation at work: what is queued, what runs, what is parked, and so when it may end."""
