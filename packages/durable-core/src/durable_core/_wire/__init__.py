"""What travels between a function and the durable execution service."""
