"""Summary: a text in a given number of sentences."""

from _ask import ask

ask(
    """Summarise in one sentence:

The town council met on Monday to discuss the old bridge. Engineers reported that two of its five
arches need repair within the year, and that lorries should not cross it until then. The council
voted to close it to vehicles over three tonnes from the first of next month. Repairs will be paid
from the road fund, and are expected to take four months. Walkers and cyclists can use the bridge
throughout.""",
    max_tokens=64,
)
