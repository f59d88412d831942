"""The REST API's proxy: OpenAI's and TGI's routes in front of one SageMaker endpoint.

1. `http/recorder` gives a request its context (client, deadline) and the record for its log line.
2. `application` routes it to a handler in `openai/` or `tgi/`, which parses and checks the body.
3. `openai/prompts` writes a chat as the model's prompt; `tgi/model` counts and checks its tokens.
4. `sagemaker/runtime` signs and streams the invocation, and retries faults before its first byte.
5. `tgi/frames` decodes tokens, `openai/pieces` cuts at stop sequences, a writer encodes events.
6. `http/delivery` sends each piece at once, until the answer, the deadline or the client ends it.
"""
