# Proposals of the RPN below 0.5, mostly background, are no references.
_base_ = ['../../tfan_r50_holdout.py']

model = dict(min_reference_score=0.5)
