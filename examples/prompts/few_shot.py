"""Few-shot: the model continues a pattern from examples."""

from _ask import ask

ask(
    """Give the mood of each message in one word.

Message: The parcel came a day early, wonderful!
Mood: happy

Message: I have been on hold for an hour.
Mood: angry

Message: The shop opens at nine.
Mood: neutral

Message: My cat has not come home since Tuesday.
Mood:""",
    max_tokens=8,
)
