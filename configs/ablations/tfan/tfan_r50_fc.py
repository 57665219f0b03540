# Attention among fc features, with queries, keys and values of their own, in the box
# and track branches; a detector from COCO is intact at the first step.
_base_ = ['../../tfan_r50_holdout.py']

model = dict(
    augmentation=dict(
        _delete_=True,
        type='FCFeatureAugmentation',
        in_channels=256,
        roi_feat_size=7,
        embed_channels=256,
        num_heads=8,
    ),
    detector=dict(roi_head=dict(mask_roi_extractor=dict(type='SingleRoIExtractor'))),
)
