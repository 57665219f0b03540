# Of the four branches only class and box are augmented.
_base_ = ['./tfan_r50_no_mask_augmentation.py']

model = dict(track_head=dict(roi_extractor=dict(type='SingleRoIExtractor')))
