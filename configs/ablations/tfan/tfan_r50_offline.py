# References from 8 frames of the whole video; the weights are those of
# tfan_r50_holdout.py.
_base_ = ['../../tfan_r50_holdout.py']

model = dict(type='OfflineTFAN', test_cfg=dict(num_frames=8))
# A whole video in one clip: YouTube-VIS 2019 has up to 36 annotated frames a video.
test_dataloader = dict(sampler=dict(clip_length=36))
val_dataloader = dict(sampler=dict(clip_length=36))
