"""What a deployed model finds in long prompts, asked through its REST API."""
