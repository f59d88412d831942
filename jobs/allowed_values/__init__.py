"""What each value of a configuration or of an execution may be, alone and with the others.

The one description of every range: the constructs' settings, the pipeline's parameters, `make
finetune SET=` and the job scripts all read it. It needs nothing but Python.
"""
