# Among fc features, with the places of boxes relative to each other.
_base_ = ['./tfan_r50_fc.py']

model = dict(augmentation=dict(geometry=True))
