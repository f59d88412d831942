"""Sends the load, and records every request."""
