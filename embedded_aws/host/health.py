"""What a running server answers, unsigned, to whoever asks how it is."""

PATH = "/_ministack/health"
# Why the state cannot be saved, percent-encoded; absent while it can be.
FAILURE_HEADER = "x-state-cannot-be-saved"
