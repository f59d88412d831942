"""What is played: AWS with an administrator, GitHub, the repository, users, a thief."""
