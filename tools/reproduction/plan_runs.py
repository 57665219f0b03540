"""The small trainings on SynthVIS bench that try the claims of plan.py."""

from reproduction import Run

# STMask: baseline of Table 1, FCA (its row 3), FCB by Table 2's best rows, all.
NOT_SUPPLEMENTED = {'model.tracker.supplement': None}
NOT_CARRIED = {'model.test_cfg': dict(temporal_fusion=False)}
FRAMES_ALONE = {'model.temporal_net': None, **NOT_SUPPLEMENTED}
SQUARE_KERNELS = {
    'model.bbox_head.anchor_generator.kernel_sizes': [(3, 3)] * 3,
    'model.bbox_head.anchor_generator.ratios': [1, 1 / 2, 2],
}


def calibrated(*branches, **offset):
    return {
        'model.bbox_head.calibration': dict(
            _delete_=True,
            type='CalibratedConvolution',
            offset=offset,
            branches=list(branches),
        )
    }


ADAPTIVE = calibrated('cls', 'coeff', type='AdaptiveOffset')
ADAPTIVE_FROM_ZERO = calibrated(
    *('cls', 'coeff'),
    type='AdaptiveOffset',
    init_cfg=dict(type='Constant', layer='Conv2d', val=0.0),
)
ALIGNED = calibrated('coeff', 'embed', type='AlignedOffset')
ALIGNED_MASKS = calibrated('coeff', type='AlignedOffset')

LOWER_THRESHOLD = {'model.test_cfg': dict(mask_thr=0.35)}

# SG-Net: rows of Table 2 from the full model, e, downwards.
IOU_LOSS = {
    'model.bbox_head.loss_bbox': dict(
        _delete_=True, type='mmdet.IoULoss', loss_weight=1.0
    )
}
NO_BASE_MASK_MODULE = {
    'model.base_mask_module.num_levels': 1,
    'model.base_mask_module.num_convs': 0,
}
ONE_SUB_REGION = {'model.blender.max_division': 1}
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

# InstanceFlow: the rival of temporal context fusion in Table II.
CONCATENATION = {
    'model.inter_frame_head.fusion': dict(
        _delete_=True,
        type='ConcatConvFusion',
        norm_cfg=dict(type='BN', requires_grad=True),
    )
}

# TFAN: features of RoIs (eqs. 1-2), none, features after the first layer of a head.
AUGMENTATIONS = {
    'tfan': {},
    'tfan_cascade': {'model.augmentation': None},
    'tfan_fc': {
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
}

# How the released STMask scores a detection for a track: boxes count, too.
RELEASED_MATCH = {
    'model.tracker.match_weights.bbox_iou': 2.0,
    'model.tracker.similarity': 'half_cosine',
    'model.tracker.epsilon': 1.4,
    'model.tracker.winner': 'score',
}
SPACE_TRACKER = {'model.tracker': dict(_delete_=True, type='SpaceTracker')}
# Masks of objects of 20 pixels are five cells wide, those of MaskTrack R-CNN 28.
FINE_MASKS = {
    'model.prototype_net.num_upsamplings': 2,
    'model.criterion.loss_mask.resolution': 'input',
    'model.criterion.loss_mask.max_samples': 24,
    'model.criterion.loss_shift_mask.resolution': 'input',
    # Frames come first: `stmask` has 2 and 0.5.
    'model.criterion.loss_shift_mask.loss_weight': 1.0,
    'model.criterion.loss_shift_bbox.loss_weight': 0.2,
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
    # For about as long as `stmask_fine`, a step of which takes 2 to 3 times as long.
    Run('masktrack_rcnn_long', 'configs/bench/masktrack_rcnn_bench.py', 2200),
    stmask('stmask_baseline', **FRAMES_ALONE, **SQUARE_KERNELS),
    stmask('stmask_fca', **FRAMES_ALONE),
    stmask('stmask_fcb_ada', **FRAMES_ALONE, **ADAPTIVE),
    stmask('stmask_fcb_ali', **FRAMES_ALONE, **ALIGNED),
    stmask('stmask_fcb_ada_zero', **FRAMES_ALONE, **ADAPTIVE_FROM_ZERO),
    stmask('stmask_fcb_ali_masks', **FRAMES_ALONE, **ALIGNED_MASKS),
    # FCA, and FCB added to it: beginning with a network that finds boxes already.
    *(
        Run(
            f'{name}_continued',
            'configs/bench/stmask_bench.py',
            400,
            entries,
            begins_with='stmask_fca',
        )
        for name, entries in (
            ('stmask_fca', FRAMES_ALONE),
            ('stmask_fcb_ada', {**FRAMES_ALONE, **ADAPTIVE_FROM_ZERO}),
        )
    ),
    stmask('stmask', **ADAPTIVE),
    sg_net('sg_net'),
    sg_net('sg_net_d', **IOU_LOSS),
    sg_net('sg_net_c', **IOU_LOSS, **NO_BASE_MASK_MODULE),
    sg_net('sg_net_b', **IOU_LOSS, **ONE_SUB_REGION),
    sg_net('sg_net_a', **IOU_LOSS, **NO_BASE_MASK_MODULE, **ONE_SUB_REGION),
    sg_net('sg_net_embedding_tracker', **EMBEDDING_TRACKER),
    *(
        Run(name, 'configs/bench/tfan_bench.py', 600, entries)
        for name, entries in AUGMENTATIONS.items()
    ),
    # The same, added to a Cascade that finds objects already.
    *(
        Run(
            f'{name}_continued',
            'configs/bench/tfan_bench.py',
            400,
            entries,
            begins_with='tfan_cascade',
        )
        for name, entries in AUGMENTATIONS.items()
    ),
    Run(
        'tfan_no_mask_iou',
        test_of='tfan',
        overrides={'model.tracker.match_weights.mask_iou': 0.0},
    ),
    # Does the augmentation cost in training, or by what is found in a test?
    *(
        Run(
            f'{model}_own',
            test_of=model,
            overrides={'model.augmentation.members': 'own'},
        )
        for model in ('tfan', 'tfan_fc')
    ),
    *(
        Run(name, 'configs/bench/instance_flow_bench.py', iterations, entries)
        for name, iterations, entries in (
            ('instance_flow', 500, {}),
            ('instance_flow_long', 1500, {}),
            ('instance_flow_concat', 500, CONCATENATION),
            ('instance_flow_concat_long', 1500, CONCATENATION),
        )
    ),
    Run(
        'instance_flow_one_reference',
        test_of='instance_flow',
        overrides={'model.tracker.num_references': 1},
    ),
    Run(
        'instance_flow_window',
        test_of='instance_flow',
        overrides={'model.assembly.kernel': 11},
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
    *(
        Run(
            f'{model}_average',
            test_of=model,
            overrides={
                'model.tracker.flow': dict(_delete_=True, type='InterOffsetAverage')
            },
        )
        for model in ('instance_flow', 'instance_flow_long')
    ),
    # The detector of a MaskTrack R-CNN, followed without anything trained for it.
    *(
        Run(
            f'track_by_segmentation{name}',
            'configs/bench/track_by_segmentation_bench.py',
            test_of='masktrack_rcnn',
            overrides=entries,
        )
        for name, entries in (('', {}), ('_space', SPACE_TRACKER))
    ),
    # What becomes of rivals for one track: 'drop' in all the rows above.
    *(
        Run(
            f'{model}_{conflict}',
            test_of=model,
            overrides={'model.tracker.conflict': conflict},
        )
        for model, conflicts in (
            ('stmask', ['drop_duplicates']),
            ('stmask_fine', ['next_best', 'optimal']),
            ('tfan', ['drop_duplicates', 'next_best', 'optimal']),
            ('sg_net_embedding_tracker', ['drop_duplicates']),
        )
        for conflict in conflicts
    ),
    # Why STMask is not ahead of MaskTrack R-CNN: it finds more, in looser masks.
    Run('stmask_mask_thr', test_of='stmask', overrides=LOWER_THRESHOLD),
    Run(
        'masktrack_rcnn_mask_thr',
        test_of='masktrack_rcnn',
        overrides={'model.detector.test_cfg.rcnn.mask_thr_binary': 0.35},
    ),
    # FCA and temporal fusion, no FCB.
    stmask('stmask_fine', **FINE_MASKS),
    Run('stmask_fine_mask_thr', test_of='stmask_fine', overrides=LOWER_THRESHOLD),
    # Temporal fusion in testing alone: propagation, and what is filled in by it.
    *(
        Run(f'stmask_fine_{name}', test_of='stmask_fine', overrides=entries)
        for name, entries in (
            ('not_supplemented', NOT_SUPPLEMENTED),
            ('frames_alone', {**NOT_SUPPLEMENTED, **NOT_CARRIED}),
            ('space', {**SPACE_TRACKER, **NOT_CARRIED}),
            ('released_match', RELEASED_MATCH),
        )
    ),
]
