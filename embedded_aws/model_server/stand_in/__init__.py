"""What answers in the place of a model: words without sense, as fast as a service model says."""

INSTANCE_HEADER = "x-embedded-aws-instance"  # which of the instances a request goes to
STOOD_IN_FOR = ("tgi", "vllm")  # whose wires it speaks
