"""Topic retrieval: a record of conversations on many topics, of which the first is asked for."""

import random

from recall.questions import Question

# Each names itself nowhere else in the record than in its own conversation's first line.
_SUBJECTS = (
    "the history of lighthouses", "the care of beehives", "the physics of tides",
    "the art of bookbinding", "the training of sled dogs", "the repair of bicycles",
    "the cooking of lentils", "the naming of storms", "the building of stone walls",
    "the growth of coral reefs", "the rules of chess", "the mapping of caves",
    "the dyeing of wool", "the sounds of whales", "the planting of orchards",
    "the design of bridges", "the printing of banknotes", "the study of glaciers",
    "the tuning of pianos", "the baking of sourdough bread", "the flight of swallows",
    "the restoration of paintings", "the mining of salt", "the carving of puppets",
    "the ripening of cheese", "the digging of canals", "the grinding of lenses",
    "the sailing of dhows", "the weaving of baskets", "the keeping of calendars",
    "the casting of bells", "the tracking of wolves", "the folding of paper",
    "the draining of marshes", "the roasting of coffee", "the climbing of ice",
    "the painting of road signs", "the raising of silkworms", "the cutting of gemstones",
    "the timing of fireworks",
)  # fmt: skip
_EXCHANGES = (
    (
        "Where would a beginner start with it?",
        "With one good book and an hour a day. Most people who give up do so because they wanted"
        " results within a week, while patience is most of the craft.",
    ),
    (
        "What do people usually get wrong?",
        "They copy what they have seen without asking why it is done. A reason that you understand"
        " is worth more than ten rules that you remember.",
    ),
    (
        "Has it changed in the last century?",
        "More in the tools than in the thinking. Someone who did it a hundred years ago would"
        " recognise every step, and would envy us the light that we work by.",
    ),
    (
        "Is it expensive to take up?",
        "It need not be. Borrow what you can, buy second-hand what you cannot, and spend money only"
        " on the one thing that your hands touch all day.",
    ),
    (
        "Who should I read or follow?",
        "Those who show their failures. They teach more in one page than a polished account does in"
        " a chapter, and they are usually glad to answer a letter.",
    ),
    (
        "How long until I am any good at it?",
        "A year until you please yourself, and three until you please somebody who knows. The good"
        " part is that the way there is as pleasant as the end.",
    ),
)


def topic_question(draw: random.Random, topics: int) -> Question:
    """Return a record of conversations, and ask what the first one was about."""
    subjects = list(_SUBJECTS)
    draw.shuffle(subjects)
    chosen = [
        subject if lap == 0 else f"{subject}, part {lap + 1}"
        for number in range(max(1, topics))
        for lap, subject in [(number // len(subjects), subjects[number % len(subjects)])]
    ]
    record = "\n\n".join(_conversation(draw, subject) for subject in chosen)
    start = (
        f"Below is a record of our earlier conversation on {len(chosen)} topics. Each topic begins"
        ' with the words "I would like to discuss the topic of". Remember the topics, in order.'
    )
    asked = "What is the first topic that we discussed? Answer with its name only."
    return Question(f"{start}\n\n{record}\n\nThe record ends here. {asked}", chosen[0], "name")


def _conversation(draw: random.Random, subject: str) -> str:
    lines = [
        f"USER: I would like to discuss the topic of {subject}.",
        "ASSISTANT: Gladly. What would you like to know about it?",
    ]
    for question, answer in draw.sample(_EXCHANGES, k=4):
        lines += [f"USER: {question}", f"ASSISTANT: {answer}"]
    return "\n".join(lines)
