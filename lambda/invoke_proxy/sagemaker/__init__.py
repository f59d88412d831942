"""The SageMaker runtime: signed, streamed invocations of one endpoint."""
