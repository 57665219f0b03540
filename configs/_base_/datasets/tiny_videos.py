# A small annotated set of one's own, trained on and tested on: it shows that data,
# model, tracker and metric fit together, not how good a model is. Layout:
#   <data_root>/instances.json, <data_root>/train/JPEGImages/<video>/<frame>.jpg
# Another one: --cfg-options data_root=... (tools/dataset_tools/merge.py joins several).
_base_ = ['./synth_vis_tiny.py']

data_root = 'data/videos/'
ann_file = 'instances.json'
img_prefix = 'train/JPEGImages'
image_scale = (320, 192)

train_pipeline = _base_.train_pipeline
train_pipeline[1].transforms[2].scale = image_scale
test_pipeline = _base_.test_pipeline
test_pipeline[0].transforms[1].scale = image_scale

dataset = dict(
    data_root=data_root, ann_file=ann_file, data_prefix=dict(img_path=img_prefix)
)
train_dataloader = dict(dataset=dict(**dataset, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(**dataset, pipeline=test_pipeline))
test_dataloader = val_dataloader
# Objects of small or few frames are all "small" by the protocol.
val_evaluator = dict(_delete_=True, type='YouTubeVISMetric', area_ranges='data')
test_evaluator = val_evaluator
del dataset
