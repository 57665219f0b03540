# t = 50 references.
_base_ = ['../../tfan_r50_holdout.py']

model = dict(num_references=50)
