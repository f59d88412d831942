"""What ministack's CloudFormation lacks: roles of stacks, and recovery after a kill."""
