"""The stack and the endpoint that a release updates."""
