# YouTube-VIS 2019 joined with COCO: an image becomes a pair of frames by a random
# affine motion, its categories those of the same name in YouTube-VIS.
_base_ = ['./youtube_vis_2019.py']

# fmt: off
classes = (
    'person', 'giant_panda', 'lizard', 'parrot', 'skateboard', 'sedan', 'ape',
    'dog', 'snake', 'monkey', 'hand', 'rabbit', 'duck', 'cat', 'cow', 'fish',
    'train', 'horse', 'turtle', 'bear', 'motorbike', 'giraffe', 'leopard', 'fox',
    'deer', 'owl', 'surfboard', 'airplane', 'truck', 'zebra', 'tiger', 'elephant',
    'snowboard', 'boat', 'shark', 'mouse', 'frog', 'eagle', 'earless_seal',
    'tennis_racket',
)
# fmt: on
metainfo = dict(classes=classes)

data_root_coco = 'data/coco/'
coco = dict(
    type='CocoPseudoVideoDataset',
    overlap='ytvis_2019',
    metainfo=metainfo,
    data_root=data_root_coco,
    ann_file='annotations/instances_train2017.json',
    data_prefix=dict(img='train2017/'),
    pipeline=[
        dict(type='BaseFrameSample'),
        dict(
            type='TransformBroadcaster',
            transforms=[dict(type='LoadVISFrame'), dict(type='LoadVISAnnotations')],
        ),
        dict(type='PseudoClip'),
        dict(
            type='TransformBroadcaster',
            share_random_params=True,
            transforms=[
                dict(type='Resize', scale=_base_.image_scale, keep_ratio=True),
                dict(type='RandomFlip', prob=0.5),
            ],
        ),
        dict(type='PackVISInputs'),
    ],
)
youtube_vis = _base_.train_dataloader.dataset
youtube_vis.metainfo = metainfo
train_dataloader = dict(
    dataset=dict(_delete_=True, type='VISConcatDataset', datasets=[youtube_vis, coco])
)
test_dataloader = dict(dataset=dict(metainfo=metainfo))
del youtube_vis, coco
