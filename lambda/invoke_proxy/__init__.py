"""The REST API's proxy: OpenAI's and TGI's routes in front of one SageMaker endpoint.

1. `http/recorder` gives a request its context (client, deadline) and the record for its log line.
2. `application` routes it to a handler in `openai/` or `tgi/`, which parses and checks the body.
3. `openai/prompts` writes a chat as the model's prompt; `model` counts and checks its tokens.
4. The handler asks for a `generation`; the server's adapter in `servers/` writes it as a body.
5. `sagemaker/runtime` signs and streams the invocation, and retries faults before its first byte.
6. The adapter decodes chunks, `openai/pieces` cuts at stop sequences, a writer encodes events.
7. `http/delivery` sends each piece at once, until the answer, the deadline or the client ends it.
"""
