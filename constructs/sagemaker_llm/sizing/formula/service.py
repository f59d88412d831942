"""The service model: how long a step of an instance's batch takes, fitted to a profile.

A step of a batch of b requests takes s0 + c b; the prefill of a prompt of w words stops the whole
batch for P(w) = p1 w + p2 w^2. An answer of n tokens so sees s0 + (c + P(w)/n) b for each of them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from allowed_values.rules import RefusedValueError

from .profile import Profile, ProfileRow

# After how many steps of the batch a server admits what waits. TGI: MAX_WAITING_TOKENS. vLLM
# schedules each step anew, a long prompt in pieces beside the others' tokens, and llama.cpp fills a
# slot as soon as it is free. None of it was measured: a profile's rows have no time to first token.
_ADMISSION_STEPS = {"tgi": 20, "vllm": 1, "llama-cpp": 1}
# Of a row's latency; the published profile is within 4.8 %.
_MAX_ERROR = 0.15


@dataclass(frozen=True, kw_only=True)
class Service:
    """One instance, in milliseconds."""

    step: float  # s0
    per_request: float  # c
    per_word: float  # p1
    per_word_squared: float  # p2
    admission_steps: int = _ADMISSION_STEPS["tgi"]
    max_tokens_in_flight: float = math.inf  # that its memory was seen to hold

    def prefill(self, words: float) -> float:
        """Return the milliseconds for which a prompt stops the batch."""
        return self.per_word * words + self.per_word_squared * words * words

    def latency(self, words: float, tokens: float, in_flight: float) -> float:
        """Return the milliseconds a token of equal requests, so many of them in flight."""
        return self.step + (self.per_request + self.prefill(words) / tokens) * in_flight


@lru_cache(maxsize=64)
def fit(profile: Profile) -> Service:
    """Return the model of least relative squares; raise RefusedValueError where none fits."""
    rows = profile.rows
    if profile.server not in _ADMISSION_STEPS:
        raise RefusedValueError(
            f"the profile {profile.name} must be of {', '.join(_ADMISSION_STEPS)}, got"
            f" {profile.server!r}"
        )
    # Prompts of one length cannot tell the terms apart, nor two lengths the square.
    lengths = len({row.words for row in rows})
    terms = (0, 1, 2, 3) if lengths > 2 else (0, 1, 2) if lengths > 1 else (0, 2)  # noqa: PLR2004
    weighted = [[_terms(row)[i] / row.milliseconds_per_token for i in terms] for row in rows]
    found = dict(zip(terms, _least_squares(weighted), strict=True))
    step, per_request, per_word, squared = (found.get(i, 0.0) for i in range(4))
    service = Service(
        step=step,
        per_request=per_request,
        per_word=per_word,
        per_word_squared=squared,
        admission_steps=_ADMISSION_STEPS[profile.server],
        max_tokens_in_flight=profile.max_tokens_in_flight,
    )
    row, error = worst_row(service, profile)
    if step <= 0 or per_request < 0 or service.prefill(profile.max_words) <= 0:
        raise RefusedValueError(
            f"the profile {profile.name} must get slower with users and prompts, got {service}"
        )
    if abs(error) > _MAX_ERROR:
        raise RefusedValueError(
            f"the profile {profile.name} must follow the service model within {_MAX_ERROR:.0%}, got"
            f" {error:+.0%} at {row.words:g} words and {row.users:g} users"
        )
    return service


def worst_row(service: Service, profile: Profile) -> tuple[ProfileRow, float]:
    """Return the row that the model predicts worst, and by which share it errs."""

    def error(row: ProfileRow) -> float:
        predicted = service.latency(row.words, row.tokens, row.in_flight)
        return predicted / row.milliseconds_per_token - 1

    worst = max(profile.rows, key=lambda row: abs(error(row)))
    return worst, error(worst)


def _terms(row: ProfileRow) -> tuple[float, float, float, float]:
    b = row.in_flight
    return 1.0, b, b * row.words / row.tokens, b * row.words**2 / row.tokens


def _least_squares(rows: Sequence[Sequence[float]]) -> list[float]:
    """Return x that makes each row's product nearest to 1, by the normal equations."""
    size = len(rows[0])
    scales = [max(abs(row[i]) for row in rows) for i in range(size)]
    scaled = [[value / scale for value, scale in zip(row, scales, strict=True)] for row in rows]
    matrix = [
        [sum(row[i] * row[j] for row in scaled) for j in range(size)] + [sum(r[i] for r in scaled)]
        for i in range(size)
    ]
    for i in range(size):
        pivot = max(range(i, size), key=lambda j: abs(matrix[j][i]))
        matrix[i], matrix[pivot] = matrix[pivot], matrix[i]
        if abs(matrix[i][i]) < 1e-12:  # noqa: PLR2004 - of values about 1
            raise RefusedValueError("the profile must have rows at two loads or more")
        for j in range(size):
            if j != i:
                factor = matrix[j][i] / matrix[i][i]
                matrix[j] = [a - factor * b for a, b in zip(matrix[j], matrix[i], strict=True)]
    return [matrix[i][size] / matrix[i][i] / scales[i] for i in range(size)]
