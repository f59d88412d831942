"""JSON: TGI 1.1 cannot be held to a schema: the prompt shows the form, the caller checks it."""

import json

from _ask import ask

answer = ask(
    """Turn the sentence into a JSON object with the keys "name", "city" and "age".

Sentence: Maria Lopez is 34 years old and lives in Toledo.
JSON: {"name": "Maria Lopez", "city": "Toledo", "age": 34}

Sentence: Kenji Ito, aged 51, lives in Kobe.
JSON:""",
    max_tokens=48,
)
try:
    print("parsed:", json.loads(answer[answer.index("{") : answer.rindex("}") + 1]))
except ValueError:
    raise SystemExit("not JSON: ask again, or with a larger model") from None
