"""The evaluations, with what MistralLite's model card says of two models."""

from recall.documents import document_question
from recall.numbers import line_question, passkey_question
from recall.questions import Task
from recall.topics import topic_question

# Accuracies from the card of amazon/MistralLite, by length in tokens: Mistral-7B-Instruct-v0.1,
# then MistralLite. Its fourth evaluation, long question answering, has one figure for all lengths
# (44.3 and 64.4 %) on documents of its own: nothing of ours can be set beside it.
PASS_KEY = Task(
    "pass key",
    passkey_question,
    answer_tokens=48,  # An instructed model may say first what it was asked for.
    card=((3264, 1.0, 1.0), (5396, 0.5, 1.0), (8329, 0.2, 1.0), (10197, 0.3, 1.0)),
)
LINE = Task(
    "line",
    line_question,
    answer_tokens=48,
    card=(
        (3818, 0.98, 0.98), (5661, 0.62, 0.92), (7505, 0.42, 0.88),
        (9354, 0.42, 0.76), (11188, 0.32, 0.70), (12657, 0.30, 0.60),
    ),
)  # fmt: skip
TOPIC = Task(
    "topic",
    topic_question,
    answer_tokens=48,
    probe_size=3,  # A topic has hundreds of tokens, and the probe must fit a small model's window.
    card=((2851, 1.0, 1.0), (5568, 0.5, 1.0), (8313, 0.02, 1.0), (11044, 0, 1.0), (13780, 0, 0.98)),
)
DOCUMENT = Task("document", document_question, answer_tokens=16, probe_size=5)

TASKS = (TOPIC, LINE, PASS_KEY, DOCUMENT)
