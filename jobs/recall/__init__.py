"""What a model still finds in a long prompt: the four evaluations of MistralLite's model card.

One implementation: the pipeline's evaluation asks the models themselves, `make recall` a deployed
stage.
"""
