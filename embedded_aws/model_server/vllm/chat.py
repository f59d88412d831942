"""The answers of /v1/chat/completions, whole and in chunks."""

from embedded_aws.model_server.vllm.bodies import ChatRequest
from embedded_aws.model_server.vllm.sequence import Scored, Step
from embedded_aws.model_server.vllm.writer import Answer, Json, bounded

_ROLE = "assistant"


class ChatWriter:
    """Writes one answer; whole, its choices are the sums of their steps."""

    def __init__(self, answer: Answer, body: ChatRequest) -> None:
        self._answer, self._body = answer, body

    def first_chunks(self) -> list[Json]:
        """Return the chunks that tell the role, before the first step."""
        return [self._first(index) for index in range(len(self._answer.generated))]

    def chunk(self, index: int, step: Step) -> Json | None:
        """Return the chunk of a step, or None when it tells nothing."""
        self._answer.generated[index] += len(step.tokens)
        if not (step.text or step.tokens or step.finish_reason):
            return None
        choice: Json = {
            "index": index,
            "delta": {"content": step.text},
            "logprobs": self._logprobs(step.tokens),
            "finish_reason": step.finish_reason,
        }
        if step.finish_reason:
            choice["stop_reason"] = step.stop_reason
        choice["token_ids"] = self._ids(step.tokens)
        return self._answer.chunk(index, choice)

    def whole(self, steps: list[list[Step]]) -> Json:
        """Return the answer of all steps of all sequences."""
        choices = []
        for index, own in enumerate(steps):
            tokens = [token for step in own for token in step.tokens]
            self._answer.generated[index] = len(tokens)
            message = {"role": _ROLE, "content": "".join(step.text for step in own)}
            absent: Json = {"refusal": None, "annotations": None, "audio": None}
            choices.append(
                {
                    "index": index,
                    "message": message | absent | {"function_call": None, "tool_calls": []},
                    "logprobs": self._logprobs(tokens),
                    "finish_reason": own[-1].finish_reason,
                    "stop_reason": own[-1].stop_reason,
                    "token_ids": self._ids(tokens),
                }
            )
        tail = {"service_tier": None, "system_fingerprint": None, "prompt_logprobs": None}
        prompts = self._answer.batch.prompts[0] if self._body.return_token_ids else None
        usage = self._answer.usage() | {"prompt_tokens_details": None}
        head = {**self._answer.head, "choices": choices, "usage": usage}
        return head | tail | {"prompt_token_ids": prompts, "kv_transfer_params": None}

    def _first(self, index: int) -> Json:
        delta = {"role": _ROLE, "content": ""}
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}
        ids = self._answer.batch.prompts[0] if self._body.return_token_ids else None
        return self._answer.chunk(index, choice) | {"prompt_token_ids": ids}

    def _ids(self, tokens: list[Scored]) -> list[int] | None:
        return [token.id for token in tokens] if self._body.return_token_ids else None

    def _logprobs(self, tokens: list[Scored]) -> Json | None:
        if not self._body.logprobs:
            return None
        most = self._body.top_logprobs or 0
        told = [
            _told(token) | {"top_logprobs": [_told(each) for each in token.top[:most]]}
            for token in tokens
        ]
        return {"content": told}


def _told(token: Scored) -> Json:
    return {"token": token.text, "logprob": bounded(token), "bytes": list(token.text.encode())}
