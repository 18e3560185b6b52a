"""The operations: a file for each kind, all of one shape."""
