"""The pipeline's steps, written with the SageMaker SDK, and compiled with it by `make definition`.

Synth imports `facts` alone: it fills in `definition.json`, the compiled definition. Nothing here
imports anything else of the library, so that these files are all that a definition depends on.
"""
