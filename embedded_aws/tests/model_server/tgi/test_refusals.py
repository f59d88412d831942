"""What the model server refuses, in TGI 1.1's words."""

import pytest

from embedded_aws.tests.model_server.conftest import Json, ModelServer

REFUSALS: dict[str, tuple[str, Json]] = {
    "`inputs` tokens + `max_new_tokens` must be <= 640. "
    "Given: 2 `inputs` tokens and 639 `max_new_tokens`": ("The sea", {"max_new_tokens": 639}),
    "`inputs` must have less than 256 tokens. Given: 257": (" sea" * 257, {"max_new_tokens": 1}),
    "`inputs` cannot be empty": ("", {}),
    "`temperature` must be strictly positive": ("x", {"temperature": 0}),
    "`repetition_penalty` must be strictly positive": ("x", {"repetition_penalty": -1.0}),
    "`top_p` must be > 0.0 and < 1.0": ("x", {"top_p": 1.0}),
    "`typical_p` must be > 0.0 and < 1.0": ("x", {"typical_p": 0}),
    "`top_k` must be strictly positive": ("x", {"top_k": 0}),
    "`max_new_tokens` must be strictly positive": ("x", {"max_new_tokens": 0}),
    "`stop` supports up to 4 stop sequences. Given: 5": ("x", {"stop": ["."] * 5}),
    "`truncate` must be strictly positive and less than 256. Given: 257": ("x", {"truncate": 257}),
    "`top_n_tokens` must be >= 0 and <= 5. Given: 6": ("x", {"top_n_tokens": 6}),
    "`watermark` is not supported by this server": ("x", {"watermark": True}),
}
REFUSALS_OF_WHOLE_ANSWERS: dict[str, tuple[str, Json]] = {
    "`best_of` must be > 0 and <= 2. Given: 3": ("x", {"best_of": 3, "do_sample": True}),
    "you must use sampling when `best_of` is > 1": ("x", {"best_of": 2}),
    "`seed` must not be set when `best_of` > 1": ("x", {"best_of": 2, "top_k": 5, "seed": 1}),
}
REFUSALS_OF_STREAMS: dict[str, tuple[str, Json]] = {
    "`best_of` != 1 is not supported when streaming tokens": ("x", {"best_of": 2}),
    "`decoder_input_details` == true is not supported when streaming tokens": (
        "x",
        {"decoder_input_details": True},
    ),
}


@pytest.mark.parametrize("reason", REFUSALS | REFUSALS_OF_WHOLE_ANSWERS)
def test_generate_refuses_in_tgis_words(server: ModelServer, reason: str) -> None:
    inputs, parameters = (REFUSALS | REFUSALS_OF_WHOLE_ANSWERS)[reason]
    response = server.http.post("/generate", json={"inputs": inputs, "parameters": parameters})

    assert response.status_code == 422
    assert response.json() == refusal(reason)


@pytest.mark.parametrize(
    "value", ["[" * 100_000, '{"x":' * 100_000, "9" * 5000, '"\\ud800"', "1e999"]
)
@pytest.mark.parametrize("place", ['{"inputs":%s}', '{"inputs":"a","x":%s}', '{"parameters":%s}'])
def test_a_body_that_cannot_be_read_is_the_callers_fault(
    server: ModelServer, place: str, value: str
) -> None:
    headers = {"content-type": "application/json"}
    response = server.http.post("/generate", content=place % value, headers=headers)

    known = place == '{"inputs":"a","x":%s}' and not value.startswith(("[", "{"))
    assert response.status_code in ({200, 400} if known else {400, 422})


@pytest.mark.parametrize("reason", REFUSALS | REFUSALS_OF_STREAMS)
def test_stream_refuses_with_an_event(server: ModelServer, reason: str) -> None:
    inputs, parameters = (REFUSALS | REFUSALS_OF_STREAMS)[reason]

    assert server.events(inputs, **parameters) == [refusal(reason)]


def refusal(reason: str) -> Json:
    return {"error": f"Input validation error: {reason}", "error_type": "validation"}


@pytest.mark.parametrize(
    ("body", "content_type", "status", "error"),
    [
        ("{}", "text/plain", 415, "Expected request with `Content-Type: application/json`"),
        ("{", "application/json", 400, "Failed to parse the request body as JSON: "),
        ("{}", "application/json", 422, "Failed to deserialize the JSON body into the target "),
        ('{"inputs": 1}', "application/json", 422, "Failed to deserialize the JSON body into "),
        (
            '{"inputs": "x", "parameters": {"max_new_tokens": null}}',
            "application/json",
            422,
            "Failed to deserialize the JSON body into the target type: ",
        ),
    ],
)
def test_malformed_body_is_refused_in_plain_text(
    server: ModelServer, body: str, content_type: str, status: int, error: str
) -> None:
    response = server.http.post("/generate", content=body, headers={"content-type": content_type})

    assert response.status_code == status
    assert response.text.startswith(error)
    assert response.headers["content-type"].startswith("text/plain")


def test_body_is_refused_when_it_is_over_2_mib(server: ModelServer) -> None:
    response = server.http.post("/generate", json={"inputs": "x" * 2 * 1024 * 1024})

    assert response.status_code == 413


def test_overload_is_refused_until_a_stream_ends(server: ModelServer) -> None:
    overloaded = {"error": "Model is overloaded", "error_type": "overloaded"}
    with server.endless_stream(), server.endless_stream(), server.endless_stream():
        with server.endless_stream():
            refused = server.http.post("/generate", json={"inputs": "x"})
            assert (refused.status_code, refused.json()) == (429, overloaded)
            assert server.events("x") == [overloaded]
        assert server.computed_until_next_token() < 10
