"""The health route, which needs no signature, and its header about the state."""

PATH = "/_ministack/health"
# Why the state cannot be saved, percent-encoded; absent while it can be.
FAILURE_HEADER = "x-state-cannot-be-saved"
