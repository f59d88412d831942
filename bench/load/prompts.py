"""Prompts of an exact number of words, each different from its first word on."""

import random
from collections.abc import Iterator
from itertools import count

# Common short words: a Mistral tokenizer takes about one token for each.
_WORDS = (  # noqa: SIM905 - a list of them would be a page long
    "the of and to in is was for on are with they be at one have this from had hot word but "
    "what some we can out other were all there when up use your how said an each she which do "
    "their time if will way about many then them write would like so these her long make thing "
    "see him two has look more day could go come did number sound no most people my over know "
    "water than call first who may down side been now find any new work part take get place "
    "made live where after back little only round man year came show every good me give our "
    "under name very through just form much great think say help low line before turn cause "
    "same mean differ move right boy old too does tell set three want air well also play small "
    "end put home read hand port large spell add even land here must big high such follow act "
    "why ask men change went light kind off need house picture try us again animal point "
).split()


def prompts(words: int, seed: str) -> Iterator[str]:
    """Yield prompts of exactly `words` words without end; the same seed yields the same.

    No two begin alike, so that no cache of prefixes answers: the first word numbers the prompt.
    """
    draw = random.Random(seed)  # noqa: S311 - repeatable, not secret
    for number in count():
        high, low = divmod(number, len(_WORDS))
        yield " ".join([f"{_WORDS[low]}{high}", *draw.choices(_WORDS, k=words - 1)])
