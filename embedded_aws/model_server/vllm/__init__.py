"""The HTTP contract of AWS's vLLM image: vLLM's OpenAI server, with SageMaker's routes."""
