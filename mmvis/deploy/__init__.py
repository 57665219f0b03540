"""Networks of models as files that other runtimes execute.

operators.py        layers that torch cannot export, replaced meanwhile
onnx_operators.py   what ONNX has and torch has not
plain_operators.py  the same by what every runtime has
writing.py          one network to one file: torch.onnx, torch.export
networks.py         a model's networks: what goes in, what comes out
stmask.py           STMask's
features.py         those of models whose further steps are PyTorch's
describing.py       what a file says of itself
exporting.py        a config and its weights to files
command.py          ``python -m mmvis export``
"""
