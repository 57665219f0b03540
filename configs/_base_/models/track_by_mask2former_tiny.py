# A Mask2Former small enough to train from scratch on a CPU: ResNet-18 with a quarter of
# the channels, live batch norm, 64 channels everywhere, 20 queries, three decoder
# layers. Nothing is trained for the association.
_base_ = ['./track_by_segmentation_tiny.py']

base_channels = 16
channels = 64
num_classes = 8
layers = dict(embed_dims=channels, num_heads=4)
positions = dict(num_feats=channels // 2)
feedforward = dict(embed_dims=channels, feedforward_channels=4 * channels)
preprocessor = _base_.model.data_preprocessor

model = dict(
    appearance='query',
    detector=dict(
        _delete_=True,
        config='mmdet::mask2former/mask2former_r50_8xb2-lsj-50e_coco.py',
        data_preprocessor=preprocessor,
        backbone=dict(
            depth=18,
            base_channels=base_channels,
            norm_cfg=dict(type='BN', requires_grad=True),
            norm_eval=False,
            init_cfg=None,
        ),
        panoptic_head=dict(
            in_channels=[base_channels * 2**i for i in range(4)],
            feat_channels=channels,
            out_channels=channels,
            num_things_classes=num_classes,
            num_queries=20,
            pixel_decoder=dict(
                encoder=dict(
                    num_layers=2,
                    layer_cfg=dict(self_attn_cfg=layers, ffn_cfg=feedforward),
                ),
                positional_encoding=positions,
            ),
            positional_encoding=positions,
            transformer_decoder=dict(
                num_layers=3,
                layer_cfg=dict(
                    self_attn_cfg=layers,
                    cross_attn_cfg=layers,
                    ffn_cfg=feedforward,
                ),
            ),
            loss_cls=dict(class_weight=[1.0] * num_classes + [0.1]),
        ),
        panoptic_fusion_head=dict(num_things_classes=num_classes),
        # Points of a mask that the losses look at: a quarter of the input's pixels
        # is 15,360.
        train_cfg=dict(num_points=2048),
        test_cfg=dict(max_per_image=20),
    ),
)
del layers, positions, feedforward, preprocessor
