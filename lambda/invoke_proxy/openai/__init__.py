"""OpenAI's routes: chats and completions, written as prompts and answered in OpenAI's words."""
