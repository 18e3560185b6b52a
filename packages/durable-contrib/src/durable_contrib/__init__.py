"""Integrations for durable workflows, one module each, built on the public names of ``durable_core`` alone."""

__all__ = ["__version__"]

__version__ = "0.1.0"
