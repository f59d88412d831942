"""SageMaker's processing and training jobs, as processes of this machine."""
