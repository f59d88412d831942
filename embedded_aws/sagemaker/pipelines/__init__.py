"""SageMaker's pipelines: definitions, executions and the engine that runs them."""
