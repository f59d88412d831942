"""Pass-key and line retrieval: a number hidden in a filler, or in one of many lines."""

import random

from recall.questions import Question

_FILLER = (
    "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again."
)
_ANIMALS = ("badger", "crane", "dingo", "eagle", "ferret", "gecko", "heron", "ibis", "jackal")
_MOODS = ("amber", "bold", "calm", "dusty", "eager", "frosty", "gentle", "hollow", "ivory")


def passkey_question(draw: random.Random, sentences: int) -> Question:
    """Return a filler text with a number hidden at a random depth."""
    key = str(draw.randrange(10_000, 100_000))
    hidden = f"The pass key is {key}. Remember it. {key} is the pass key."
    before = draw.randrange(sentences + 1)
    text = " ".join([*[_FILLER] * before, hidden, *[_FILLER] * (sentences - before)])
    start = "There is a pass key hidden in the text below. Find it and remember it."
    return Question(f"{start}\n\n{text}\n\nWhat is the pass key? The pass key is", key)


def line_question(draw: random.Random, lines: int) -> Question:
    """Return many named lines, each with its own number, and ask for one of them."""
    names = [f"{mood}-{animal}" for mood in _MOODS for animal in _ANIMALS]
    draw.shuffle(names)
    numbers = draw.sample(range(10_000, 100_000), k=max(1, lines))
    values = {
        f"{names[place % len(names)]}-{place // len(names):02d}": str(number)
        for place, number in enumerate(numbers)
    }
    asked = draw.choice(list(values))
    record = "\n".join(f"line {name}: the value is <{value}>" for name, value in values.items())
    start = "Below is a record of lines. Remember the value of each line."
    prompt = f"{start}\n\n{record}\n\nWhat is the value in line {asked}? The value is"
    return Question(prompt, values[asked])
