# Among fc features, and proposals of the RPN below 0.5 are no references.
_base_ = ['./tfan_r50_fc.py']

model = dict(min_reference_score=0.5)
