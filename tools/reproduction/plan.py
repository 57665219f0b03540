"""The papers' claims, and the small trainings on SynthVIS bench that try them."""

from reproduction import Claim, Plan, Run

# STMask: baseline of Table 1, FCA (its row 3), FCB by Table 2's best rows, all.
FRAMES_ALONE = {'model.temporal_net': None, 'model.tracker.supplement': None}
SQUARE_KERNELS = {
    'model.bbox_head.anchor_generator.kernel_sizes': [(3, 3)] * 3,
    'model.bbox_head.anchor_generator.ratios': [1, 1 / 2, 2],
}
ADAPTIVE, ALIGNED = (
    {
        'model.bbox_head.calibration': dict(
            _delete_=True,
            type='CalibratedConvolution',
            offset=dict(type=offset),
            branches=branches,
        )
    }
    for offset, branches in (
        ('AdaptiveOffset', ['cls', 'coeff']),
        ('AlignedOffset', ['coeff', 'embed']),
    )
)

# SG-Net: rows of Table 2 from the full model, e, downwards.
IOU_LOSS = {
    'model.bbox_head.loss_bbox': dict(
        _delete_=True, type='mmdet.IoULoss', loss_weight=1.0
    )
}
EMBEDDING_TRACKER = {
    'model.bbox_head.embed_channels': 32,
    'model.tracker': dict(
        _delete_=True,
        type='EmbeddingMaskIoUTracker',
        match_weights=dict(embedding=1.0, mask_iou=1.0),
        epsilon=0.3,
        num_frames_retain=20,
    ),
}


def stmask(name, **entries):
    return Run(name, 'configs/bench/stmask_bench.py', 1000, entries)


def sg_net(name, **entries):
    return Run(name, 'configs/bench/sg_net_bench.py', 1400, entries)


# Lengths are such that a training takes about eight minutes of a core, each model's as
# long as the others': seconds a step are 0.38 (MaskTrack R-CNN), 0.49 (STMask), 0.32
# (SG-Net), 0.82 (TFAN) and 1.01 (InstanceFlow) with two clips and one thread.
RUNS = [
    Run('masktrack_rcnn', 'configs/bench/masktrack_rcnn_bench.py', 1300),
    stmask('stmask_baseline', **FRAMES_ALONE, **SQUARE_KERNELS),
    stmask('stmask_fca', **FRAMES_ALONE),
    stmask('stmask_fcb_ada', **FRAMES_ALONE, **ADAPTIVE),
    stmask('stmask_fcb_ali', **FRAMES_ALONE, **ALIGNED),
    stmask('stmask', **ADAPTIVE),
    sg_net('sg_net'),
    sg_net('sg_net_d', **IOU_LOSS),
    sg_net(
        'sg_net_c',
        **IOU_LOSS,
        **{
            'model.base_mask_module.num_levels': 1,
            'model.base_mask_module.num_convs': 0,
        },
    ),
    sg_net('sg_net_b', **IOU_LOSS, **{'model.blender.max_division': 1}),
    sg_net('sg_net_embedding_tracker', **EMBEDDING_TRACKER),
    Run('tfan', 'configs/bench/tfan_bench.py', 600),
    Run(
        'tfan_cascade',
        'configs/bench/tfan_bench.py',
        600,
        {'model.augmentation': None},
    ),
    Run(
        'tfan_fc',
        'configs/bench/tfan_bench.py',
        600,
        {
            'model.augmentation': dict(
                _delete_=True,
                type='FCFeatureAugmentation',
                in_channels=64,
                roi_feat_size=7,
                embed_channels=64,
                num_heads=4,
            ),
            'model.detector.roi_head.mask_roi_extractor.type': 'SingleRoIExtractor',
        },
    ),
    Run(
        'tfan_no_mask_iou',
        test_of='tfan',
        overrides={'model.tracker.match_weights.mask_iou': 0.0},
    ),
    Run('instance_flow', 'configs/bench/instance_flow_bench.py', 500),
    Run(
        'instance_flow_concat',
        'configs/bench/instance_flow_bench.py',
        500,
        {
            'model.inter_frame_head.fusion': dict(
                _delete_=True,
                type='ConcatConvFusion',
                norm_cfg=dict(type='BN', requires_grad=True),
            )
        },
    ),
    Run(
        'instance_flow_one_reference',
        test_of='instance_flow',
        overrides={'model.tracker.num_references': 1},
    ),
    Run(
        'instance_flow_iou',
        test_of='instance_flow',
        overrides={
            'model.tracker.num_references': 1,
            'model.tracker.epsilon': 1.0,
            'model.tracker.flow': dict(_delete_=True, type='InterOffsetIoU'),
        },
    ),
    Run(
        'instance_flow_average',
        test_of='instance_flow',
        overrides={
            'model.tracker.flow': dict(_delete_=True, type='InterOffsetAverage')
        },
    ),
    # What becomes of rivals for one track: 'drop' in all the rows above.
    *(
        Run(
            f'{model}_{conflict}',
            test_of=model,
            overrides={'model.tracker.conflict': conflict},
        )
        for model in ('stmask', 'tfan', 'sg_net_embedding_tracker')
        for conflict in ('drop_duplicates', 'next_best', 'optimal')
    ),
]

CLAIMS = [
    Claim(
        'stmask_masktrack_rcnn',
        'STMask',
        'STMask is better than MaskTrack R-CNN.',
        'Table 6: 33.5 against 30.3 AP with R50.',
        'stmask',
        'masktrack_rcnn',
        where=('all', 'occlusion', 'blur', 'twins', 'fast'),
        budget='time',
    ),
    Claim(
        'stmask_fca',
        'STMask',
        'Kernels of the shapes of their anchors (FCA) help.',
        'Table 1: 30.8 against 28.9 AP.',
        'stmask_fca',
        'stmask_baseline',
    ),
    Claim(
        'stmask_tf',
        'STMask',
        'Temporal fusion helps, most of all where objects are hidden or blurred.',
        'Table 4: 36.8 against 34.4 AP.',
        'stmask',
        'stmask_fcb_ada',
        where=('all', 'occlusion', 'blur', 'reenter'),
    ),
    Claim(
        'stmask_fcb_ada',
        'STMask',
        'Adaptive calibration of features (FCB) helps beside FCA.',
        'Table 2: 34.4 against 30.8 AP.',
        'stmask_fcb_ada',
        'stmask_fca',
    ),
    Claim(
        'tfan_augmentation',
        'TFAN',
        'Features augmented by those of other frames help where objects are blurred, '
        'fast or hidden.',
        'Section 2.2, in words.',
        'tfan',
        'tfan_cascade',
        where=('all', 'blur', 'fast', 'occlusion'),
    ),
    Claim(
        'tfan_fc',
        'TFAN',
        'Augmentation among fc features helps likewise.',
        'Not this one: as in SELSA and RDN, relatives of TFAN.',
        'tfan_fc',
        'tfan_cascade',
        where=('all', 'blur', 'fast', 'occlusion'),
    ),
    Claim(
        'tfan_mask_iou',
        'TFAN',
        'The IoU of masks helps to match tracks.',
        'Section 2.3, in words.',
        'tfan',
        'tfan_no_mask_iou',
        budget='weights',
    ),
    Claim(
        'sg_net_sub_regions',
        'SG-Net',
        'Attention by sub-regions helps.',
        'Table 2, d over b: 36.1 against 34.3 AP.',
        'sg_net_d',
        'sg_net_b',
    ),
    Claim(
        'sg_net_embedding_tracker',
        'SG-Net',
        'Tracks by the movement of centres are better than by embeddings.',
        'Section 1, in words.',
        'sg_net',
        'sg_net_embedding_tracker',
        where=('all', 'twins', 'fast', 'reenter'),
    ),
    Claim(
        'instance_flow_tcf',
        'InstanceFlow',
        'Temporal context fusion is better than concatenation.',
        'Table II: 34.1 against 30.5 mAP.',
        'instance_flow',
        'instance_flow_concat',
    ),
    Claim(
        'instance_flow_references',
        'InstanceFlow',
        'Several reference frames are better than the one before.',
        'Table III: 34.1 against 26.2 mAP.',
        'instance_flow',
        'instance_flow_one_reference',
        where=('all', 'occlusion', 'reenter'),
        budget='weights',
    ),
    Claim(
        'instance_flow_residual_iou',
        'InstanceFlow',
        'The offset residual is better than the IoU of masks moved by the flow.',
        'Table IV: 32.6 against 26.0 mAP, both without the shape loss.',
        'instance_flow',
        'instance_flow_iou',
        budget='weights',
        remark='As in the paper, the IoU has one reference frame, the residual four. '
        'With one, the residual has 26.2 mAP there (Table III).',
    ),
    Claim(
        'instance_flow_residual_average',
        'InstanceFlow',
        'The offset residual is better than the average of offsets.',
        'Table IV: 32.6 against 30.4 mAP, both without the shape loss.',
        'instance_flow',
        'instance_flow_average',
        budget='weights',
    ),
    Claim(
        'instance_flow_twins_stmask',
        'InstanceFlow',
        'Close look-alikes are told apart better than by STMask.',
        'Figure 4, in words.',
        'instance_flow',
        'stmask',
        where=('twins', 'all'),
        budget='time',
    ),
    Claim(
        'instance_flow_twins_masktrack_rcnn',
        'InstanceFlow',
        'Close look-alikes are told apart better than by MaskTrack R-CNN.',
        'Figure 4, in words.',
        'instance_flow',
        'masktrack_rcnn',
        where=('twins', 'all'),
        budget='time',
    ),
    Claim(
        'stmask_fcb_ali',
        'STMask',
        'Aligned calibration of features (FCB) helps beside FCA.',
        'Table 2: 33.1 against 30.8 AP.',
        'stmask_fcb_ali',
        'stmask_fca',
    ),
    Claim(
        'sg_net_base_masks',
        'SG-Net',
        'Base masks of several levels help.',
        'Table 2, d over c: 36.1 against 35.2 AP.',
        'sg_net_d',
        'sg_net_c',
    ),
    Claim(
        'sg_net_giou',
        'SG-Net',
        'The GIoU loss of boxes helps.',
        'Table 2, e over d: 36.3 against 36.1 AP.',
        'sg_net',
        'sg_net_d',
    ),
    *(
        Claim(
            f'{model}_drop_duplicates',
            'Trackers',
            'Of rivals for a track only those that lie on the winner are to be dropped '
            f'({name}).',
            'None, a choice of mmvis; STMask drops all.',
            f'{model}_drop_duplicates',
            model,
            where=('all', 'twins'),
            budget='weights',
        )
        for model, name in (
            ('stmask', 'STMask'),
            ('tfan', 'TFAN'),
            ('sg_net_embedding_tracker', 'SG-Net with embeddings'),
        )
    ),
]

PLAN = Plan(
    data_root='data/synth_vis/bench',
    preset='bench',
    seeds=(0, 1, 2),
    runs=RUNS,
    claims=CLAIMS,
    systems=('masktrack_rcnn', 'stmask', 'sg_net', 'tfan', 'instance_flow'),
)
