# Mask2Former R50 of COCO; instances are followed by the looks of their queries, as in
# MinVIS, instead of features inside their masks.
_base_ = ['./track_by_mask2former_r50.py']

model = dict(appearance='query')
