"""``python -m mmvis doctor``: what an installation has, and whether it works.

finding.py           a line of the report
machine.py           processors, memory, disk, threads; imports nothing large
packages.py          versions, and releases that overwrite each other
operators.py         imports, compiled operators, what a GPU computes beside a CPU
networks.py          two frames through each model
command.py           the command
"""
