"""Retrieval: the answer is to come from the passages, and from nothing else."""

from _ask import ask

PASSAGES = """[1] The lighthouse at Skarra was built in 1871 and lit by oil until 1934.
[2] The island's ferry runs twice a day from April to October, and once a day in winter.
[3] Skarra's only school closed in 1998; its building is now the library."""

ask(
    f"""Answer with the passages only, and name the passage that you used.

{PASSAGES}

Question: What is in the old school building today?""",
    max_tokens=48,
)
