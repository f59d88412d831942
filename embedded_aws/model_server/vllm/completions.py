"""The answers of /v1/completions, whole and in chunks."""

from embedded_aws.model_server.vllm.bodies import CompletionRequest
from embedded_aws.model_server.vllm.sequence import Scored, Step
from embedded_aws.model_server.vllm.writer import Answer, Json, bounded


class CompletionWriter:
    """Writes one answer; whole, its choices are the sums of their steps."""

    def __init__(self, answer: Answer, body: CompletionRequest) -> None:
        self._answer, self._body = answer, body
        self._offsets = [0] * len(answer.generated)
        self._begun: set[int] = set()

    def chunk(self, index: int, step: Step) -> Json | None:
        """Return the chunk of a step, or None when it tells nothing."""
        if not (step.text or step.tokens or step.finish_reason):
            return None
        return self._answer.chunk(index, self._choice(index, step))

    def first_chunks(self) -> list[Json]:
        """Return what comes before the first step: nothing."""
        return []

    def whole(self, steps: list[list[Step]]) -> Json:
        """Return the answer of all steps of all sequences."""
        choices = []
        for index, own in enumerate(steps):
            last = own[-1]
            tokens = [token for step in own for token in step.tokens]
            text = "".join(step.text for step in own)
            whole = Step(tokens, text, last.finish_reason, last.stop_reason)
            choice = self._choice(index, whole) | {"prompt_logprobs": None}
            choices.append(choice)
        tail = {"service_tier": None, "system_fingerprint": None, "kv_transfer_params": None}
        usage = self._answer.usage() | {"prompt_tokens_details": None}
        return {**self._answer.head, "choices": choices, "usage": usage, **tail}

    def _choice(self, index: int, step: Step) -> Json:
        body, is_first = self._body, index not in self._begun
        self._begun.add(index)
        ids = [token.id for token in step.tokens]
        self._answer.generated[index] += len(ids)
        logprobs = None if body.logprobs is None else self._logprobs(index, step.tokens)
        prompt = self._answer.batch.generations[index].prompt
        return {
            "index": index,
            "text": step.text,
            "logprobs": logprobs,
            "finish_reason": step.finish_reason,
            "stop_reason": step.stop_reason,
            "token_ids": ids if body.return_token_ids else None,
            "prompt_token_ids": prompt if body.return_token_ids and is_first else None,
        }

    def _logprobs(self, index: int, tokens: list[Scored]) -> Json:
        told: Json = {"text_offset": [], "token_logprobs": [], "tokens": [], "top_logprobs": []}
        for token in tokens:
            told["text_offset"].append(self._offsets[index])
            told["tokens"].append(self._name(token))
            self._offsets[index] += len(token.text)
            known = token.logprob is not None
            told["token_logprobs"].append(bounded(token) if known else None)
            # the token itself first, then the likeliest
            ranked = [token, *token.top[: self._body.logprobs]]
            top = {self._name(each): bounded(each) for each in ranked}
            told["top_logprobs"].append(top if known else None)
        return told

    def _name(self, token: Scored) -> str:
        return f"token_id:{token.id}" if self._body.return_tokens_as_token_ids else token.text
