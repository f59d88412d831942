"""OpenAI's routes: chats and completions."""
