"""The embedded AWS: ministack, and the SageMaker that it lacks."""
