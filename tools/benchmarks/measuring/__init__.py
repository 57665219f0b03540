"""What the benchmarks measure, and how.

A script imports from here what needs torch when its arguments are read: until then it
answers at once.
"""
