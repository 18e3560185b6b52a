"""Runners: a handler, invoked as often as the service would."""
