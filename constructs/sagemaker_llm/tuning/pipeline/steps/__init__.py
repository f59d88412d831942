"""The pipeline's steps, written with the SageMaker SDK, and compiled with it by `make definition`.

Synth imports only `facts` and fills in the compiled definition, `definition.json`. Nothing but
`__main__` imports the rest of the library, so a digest of these files covers the definition.
"""
