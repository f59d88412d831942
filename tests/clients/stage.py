"""The deployed stage that a client's checks ask, from their environment, and what they ask it."""

import os

BASE_URL = f"{os.environ['API_URL']}/v1"
KEY = os.environ["API_KEY"]
MODEL = os.environ["MODEL"]

WRONG_KEY = "w" * 40
WRONG_KEY_WORDS = "the key is wrong"
TALK = (
    ("system", "You answer in one short sentence."),
    ("user", "What is the capital of France?"),
    ("assistant", "The capital of France is Paris."),
    ("user", "And of Italy?"),
)
MESSAGES = [{"role": role, "content": text} for role, text in TALK]
TOO_LONG = "sea " * 2500
REFUSED = "not supported by TGI 1.1, leave out: `frequency_penalty`"
