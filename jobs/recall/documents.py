"""Long question answering: a document about many people, and a choice of four about one of them."""

import random

from recall.questions import Question, choice_question

_FIRST = ("Ada", "Bruno", "Clara", "Dario", "Edith", "Felix", "Greta", "Hugo", "Irma", "Jonas")
_LAST = ("Alder", "Birch", "Cedar", "Dunlin", "Elm", "Finch", "Grouse", "Hazel", "Ivory", "Jasper")
_TRADES = ("baker", "cooper", "dyer", "fletcher", "glazier", "joiner", "mason", "potter", "tanner")
_TOWNS = (
    "Ashmere", "Bramwick", "Coldharbour", "Dunmore", "Eastvale", "Fallow", "Greystone", "Highmoor",
)  # fmt: skip


def document_question(draw: random.Random, entries: int) -> Question:
    """Return a chronicle with an entry a person, and ask where one of them ended up."""
    names = [
        f"{first} {middle}. {last}" for middle in "BCDFG" for first in _FIRST for last in _LAST
    ]
    draw.shuffle(names)
    people = [_Person(draw, name) for name in names[: max(1, min(entries, len(names)))]]
    asked = draw.choice(people)
    options = [asked.town, *draw.sample([town for town in _TOWNS if town != asked.town], k=3)]
    draw.shuffle(options)
    chronicle = "\n\n".join(person.entry for person in people)
    return choice_question(
        f"Read the chronicle below, then answer the question about it.\n\n{chronicle}",
        f"In which town did {asked.name} open a workshop?",
        options,
        options.index(asked.town),
    )


class _Person:
    """Somebody whose entry names two towns, of which one is the answer."""

    def __init__(self, draw: random.Random, name: str) -> None:
        born, self.town = draw.sample(_TOWNS, k=2)
        year, trade = draw.randrange(1780, 1860), draw.choice(_TRADES)
        self.name = name
        self.entry = (
            f"{name} was born in {born} in {year} and learned the trade of a {trade}. After"
            f" {draw.randrange(3, 9)} years with a master, and a winter of illness, {name} opened a"
            f" workshop in {self.town}, took {draw.randrange(2, 6)} apprentices, and was remembered"
            " there for a fair price and a short temper."
        )
