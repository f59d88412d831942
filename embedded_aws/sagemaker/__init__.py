"""SageMaker, which ministack lacks."""
