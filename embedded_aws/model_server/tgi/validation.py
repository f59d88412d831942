"""TGI's checks of a request, in TGI's order and words."""

from collections.abc import Mapping

from embedded_aws.model_server.tgi.settings import Settings
from embedded_aws.model_server.tgi.wire import GenerateRequest, Parameters, TgiError


def check_best_of(best_of: int, limit: int) -> None:
    """Refuse more sequences than are allowed; raises TgiError."""
    _refuse_first(
        {
            "`best_of` != 1 is not allowed for this endpoint": best_of > 1 and limit == 1,
            f"`best_of` must be > 0 and <= {limit}. Given: {best_of}": best_of > limit,
        }
    )


def check_streamable(p: Parameters) -> None:
    """Refuse what only a whole answer can hold; raises TgiError."""
    prefill = "`decoder_input_details` == true is not supported when streaming tokens"
    _refuse_first(
        {
            "`best_of` != 1 is not supported when streaming tokens": p.best_of not in {None, 1},
            prefill: p.decoder_input_details,
        }
    )


def check_request(request: GenerateRequest, limit: Settings) -> None:
    """Refuse all that shows before tokens are counted; raises TgiError."""
    p, best_of = request.parameters, request.parameters.best_of or 1
    stops = f"`stop` supports up to {limit.max_stop_sequences} stop sequences"
    top_n = f"`top_n_tokens` must be >= 0 and <= {limit.max_top_n_tokens}"
    truncate = f"`truncate` must be strictly positive and less than {limit.max_input_length}"
    fits = p.truncate is None or 0 < p.truncate <= limit.max_input_length
    _refuse_first(
        {
            "you must use sampling when `best_of` is > 1": best_of > 1 and not _samples(p),
            "`temperature` must be strictly positive": _too_low(p.temperature),
            "`repetition_penalty` must be strictly positive": _too_low(p.repetition_penalty),
            "`top_p` must be > 0.0 and < 1.0": _no_share(p.top_p),
            "`typical_p` must be > 0.0 and < 1.0": _no_share(p.typical_p),
            "`top_k` must be strictly positive": _too_low(p.top_k),
            "`max_new_tokens` must be strictly positive": p.max_new_tokens == 0,
            f"{stops}. Given: {len(p.stop)}": len(p.stop) > limit.max_stop_sequences,
            "`seed` must not be set when `best_of` > 1": best_of > 1 and p.seed is not None,
            f"{top_n}. Given: {p.top_n_tokens}": (p.top_n_tokens or 0) > limit.max_top_n_tokens,
            "`inputs` cannot be empty": not request.inputs,
            f"{truncate}. Given: {p.truncate}": not fits,
            # TGI can, llama.cpp cannot
            "`watermark` is not supported by this server": p.watermark,
        }
    )


def check_length(inputs: int, new: int, limit: Settings) -> None:
    """Refuse a prompt that leaves no room for the answer; raises TgiError."""
    total = f"`inputs` tokens + `max_new_tokens` must be <= {limit.max_total_tokens}"
    given = f"Given: {inputs} `inputs` tokens and {new} `max_new_tokens`"
    most = f"`inputs` must have less than {limit.max_input_length} tokens. Given: {inputs}"
    _refuse_first(
        {
            f"{total}. {given}": inputs + new > limit.max_total_tokens,
            most: inputs > limit.max_input_length,
        }
    )


def _samples(p: Parameters) -> bool:
    return p.do_sample or {p.temperature, p.top_k, p.top_p, p.typical_p} != {None}


def _too_low(value: float | None) -> bool:
    return value is not None and value <= 0


def _no_share(value: float | None) -> bool:
    return value is not None and not 0 < value < 1


def _refuse_first(faults: Mapping[str, bool]) -> None:
    for reason, found in faults.items():
        if found:
            raise TgiError("validation", f"Input validation error: {reason}")
