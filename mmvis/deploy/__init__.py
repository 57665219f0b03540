"""Networks of models as files that other runtimes execute.

operators.py    operators that torch cannot export, in a form that it can
writing.py      one network to one file: torch.onnx, torch.export
networks.py     a model's networks: what goes in, what comes out
stmask.py       STMask's
describing.py   what a file says of itself
exporting.py    a config and its weights to files
command.py      ``python -m mmvis export``
"""
