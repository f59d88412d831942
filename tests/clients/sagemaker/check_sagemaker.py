"""The predictor of the SageMaker SDK, straight on the endpoint behind the API."""

import json
import os
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from sagemaker.huggingface import HuggingFacePredictor
from sagemaker.predictor_async import AsyncPredictor
from sagemaker.session import Session

ENDPOINT = os.environ["ENDPOINT"]
ASKED = {"inputs": "The sea is", "parameters": {"max_new_tokens": 4, "return_full_text": False}}
TOO_LONG = {"inputs": "sea " * 2500}


def predictor(endpoint_name: str = ENDPOINT, **more: Any) -> HuggingFacePredictor:
    return HuggingFacePredictor(endpoint_name, sagemaker_session=Session(boto3.Session()), **more)


def refusal(of: HuggingFacePredictor, asked: Any = ASKED, **aim: Any) -> ClientError:
    with pytest.raises(ClientError) as refused:
        of.predict(asked, **aim)
    return refused.value


def test_predicts_whole_and_streamed() -> None:
    (whole,) = predictor().predict(ASKED)
    parts = predictor().predict_stream({**ASKED, "stream": True})
    text = b"".join(parts).decode()
    events = [json.loads(line[5:]) for line in text.split("\n") if line.startswith("data:")]

    assert events[-1]["generated_text"] == whole["generated_text"] != ""
    assert len(events) == 4


def test_variant_of_the_endpoint_is_asked_and_another_is_refused() -> None:
    assert predictor().predict(ASKED, target_variant="AllTraffic")
    refused = refusal(predictor(), target_variant="Other")

    assert refused.response["Error"]["Code"] == "ValidationError"


@pytest.mark.parametrize("aim", [{"target_model": "a.tar.gz"}, {"component_name": "other"}])
def test_what_the_endpoint_has_not_is_a_validation_error(aim: dict[str, str]) -> None:
    assert refusal(predictor(), **aim).response["Error"]["Code"] == "ValidationError"


def test_what_the_container_refuses_is_a_model_error_in_its_words() -> None:
    refused = refusal(predictor(), TOO_LONG)

    assert refused.response["Error"]["Code"] == "ModelError"
    assert refused.response["OriginalStatusCode"] == 422
    assert json.loads(refused.response["OriginalMessage"])["error_type"] == "validation"


def test_unknown_endpoint_is_a_validation_error() -> None:
    assert "not found" in str(refusal(predictor("other")))


def test_asynchronous_prediction_says_that_it_is_not_emulated() -> None:
    with pytest.raises(ClientError, match="InvokeEndpointAsync is not emulated"):
        AsyncPredictor(predictor()).predict_async(input_path="s3://bucket/key")
