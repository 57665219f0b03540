"""What STMask (Li et al., CVPR 2021) claims of its parts."""

from reproduction.plan_format import Claim

from .further import and_six_seeds

CLAIMS = [
    Claim(
        'stmask_masktrack_rcnn',
        'STMask',
        'STMask is better than MaskTrack R-CNN.',
        'Table 6: 33.5 against 30.3 AP with R50.',
        'stmask',
        'masktrack_rcnn',
        where=('all', 'occlusion', 'blur', 'twins', 'fast'),
        budget='longer',
        gain=0.032,
        remark='STMask finds more objects and tells look-alikes apart (AP50, twins); '
        'its masks fit less (AP75, in the table of all rows): so the experiments below '
        'are about masks.',
    ),
    Claim(
        'stmask_mask_thr',
        'STMask',
        'Masks of the pixels above 0.35, not 0.5, fit better.',
        'None: Yolact and STMask take 0.5.',
        'stmask_mask_thr',
        'stmask',
        budget='weights',
        after='stmask_masktrack_rcnn',
    ),
    Claim(
        'stmask_masktrack_rcnn_thr',
        'STMask',
        'STMask is better than MaskTrack R-CNN where both take masks above 0.35.',
        'None: all take 0.5.',
        'stmask_mask_thr',
        'masktrack_rcnn_mask_thr',
        where=('all', 'occlusion', 'blur', 'twins', 'fast'),
        budget='longer',
        gain=0.032,
        after='stmask_masktrack_rcnn',
    ),
    *and_six_seeds(
        Claim(
            'stmask_fine',
            'STMask',
            'With masks of half of the resolution in place of a quarter, compared at '
            'the whole, and without FCB, STMask is better than MaskTrack R-CNN.',
            'None. The release compares masks at the resolution of the input. '
            'MaskTrack R-CNN has 28 cells an object, and 0.5 is its better threshold.',
            'stmask_fine',
            'masktrack_rcnn',
            where=('all', 'occlusion', 'blur', 'twins', 'fast', 'small'),
            budget='longer',
            gain=0.032,
            remark='Losses of temporal fusion weigh less than in `stmask`, and not all '
            'positives count for masks, which saves time. All that was chosen with '
            'seed 0.',
            after='stmask_masktrack_rcnn',
        )
    ),
    Claim(
        'stmask_fine_released_match',
        'STMask',
        'Such an STMask follows better with the match score of the release, in which '
        'the IoU of boxes counts twice, than with that of eq. 15.',
        'None; the text has no boxes in eq. 15.',
        'stmask_fine_released_match',
        'stmask_fine',
        where=('all', 'occlusion', 'blur', 'twins', 'fast'),
        budget='weights',
        seeds=range(3, 6),
        after='stmask_fine',
    ),
    Claim(
        'stmask_fine_released_match_masktrack_rcnn',
        'STMask',
        'With that match score STMask is better than MaskTrack R-CNN, whose own counts '
        'boxes, too.',
        'As above.',
        'stmask_fine_released_match',
        'masktrack_rcnn',
        where=('all', 'occlusion', 'blur', 'twins', 'fast'),
        budget='longer',
        gain=0.032,
        seeds=range(3, 6),
        after='stmask_fine',
    ),
    Claim(
        'stmask_fine_space',
        'STMask',
        'Followed by SpaceTracker, and without temporal fusion in testing, what STMask '
        'finds with such masks is better than MaskTrack R-CNN.',
        'None. If so, its frames are good, and it is association that falls short.',
        'stmask_fine_space',
        'masktrack_rcnn',
        where=('all', 'occlusion', 'blur', 'twins', 'fast', 'small'),
        budget='longer',
        gain=0.032,
        remark='That is the tracker of neither paper. What MaskTrack R-CNN finds is '
        'followed better by it, too: the row `track_by_segmentation_space`, of the '
        'same weights. STMask is trained for longer here. Against a MaskTrack R-CNN '
        'that is trained for about as long (next), only the gain on look-alikes is '
        'left.',
        seeds=range(3, 6),
        after='stmask_masktrack_rcnn',
    ),
    *(
        Claim(
            f'{better}_time',
            'STMask',
            text,
            'As above. There, MaskTrack R-CNN is trained for about half of the time.',
            better,
            'masktrack_rcnn_long',
            where=('all', 'occlusion', 'blur', 'twins', 'fast', 'small'),
            budget='time',
            gain=0.032,
            remark=remark,
            seeds=range(3, 6),
            after=better,
        )
        for better, text, remark in (
            (
                'stmask_fine',
                'STMask with masks of half of the resolution is better than a '
                'MaskTrack R-CNN that is trained for as long.',
                'A step of STMask takes 2 to 3 times as long on a CPU, and MaskTrack '
                'R-CNN gains by more steps (next). On look-alikes STMask looks better, '
                'but the interval contains zero.',
            ),
            (
                'stmask_fine_space',
                'Followed by SpaceTracker, what such an STMask finds is better than a '
                'MaskTrack R-CNN that is trained for as long.',
                '',
            ),
        )
    ),
    Claim(
        'masktrack_rcnn_long',
        'STMask',
        '1,300 steps are too few for MaskTrack R-CNN.',
        'None.',
        'masktrack_rcnn_long',
        'masktrack_rcnn',
        where=('all', 'twins'),
        budget='longer',
        seeds=range(3, 6),
        after='stmask_fine_time',
    ),
    Claim(
        'stmask_fine_mask_thr',
        'STMask',
        'Of such masks, too, the pixels above 0.35 fit better than those above 0.5.',
        'None. If not, it was for masks being compared at a quarter of the resolution.',
        'stmask_fine_mask_thr',
        'stmask_fine',
        where=('all', 'small'),
        budget='weights',
        after='stmask_fine',
    ),
    *and_six_seeds(
        Claim(
            'stmask_fca',
            'STMask',
            'Kernels of the shapes of their anchors (FCA) help.',
            'Table 1: 30.8 against 28.9 AP.',
            'stmask_fca',
            'stmask_baseline',
            gain=0.019,
        )
    ),
    Claim(
        'stmask_tf',
        'STMask',
        'Temporal fusion helps, most of all where objects are hidden or blurred.',
        'Table 4: 36.8 against 34.4 AP.',
        'stmask',
        'stmask_fcb_ada',
        where=('all', 'occlusion', 'blur', 'reenter'),
        gain=0.024,
    ),
    *(
        Claim(
            f'stmask_tf_{name}',
            'STMask',
            text,
            f'None. {remark}',
            better,
            than,
            where=('all', 'occlusion', 'blur', 'reenter', 'small'),
            budget='weights',
            after='stmask_tf',
        )
        for name, text, remark, better, than in (
            (
                'tested',
                'Temporal fusion helps in testing a network that was trained with it.',
                'Against the same weights without propagation; fine masks, as above.',
                'stmask_fine',
                'stmask_fine_frames_alone',
            ),
            (
                'propagation',
                'Detections are matched better with propagated masks than with those '
                'last seen.',
                'Eq. 15 takes propagated ones. Nothing is supplemented in either row.',
                'stmask_fine_not_supplemented',
                'stmask_fine_frames_alone',
            ),
            (
                'supplement',
                'Masks that are propagated to frames without a detection help '
                '(eq. 17).',
                'Against the same weights and propagation without them.',
                'stmask_fine',
                'stmask_fine_not_supplemented',
            ),
        )
    ),
    Claim(
        'stmask_fcb_ada',
        'STMask',
        'Adaptive calibration of features (FCB) helps beside FCA.',
        'Table 2: 34.4 against 30.8 AP.',
        'stmask_fcb_ada',
        'stmask_fca',
        gain=0.036,
    ),
    Claim(
        'stmask_fcb_ada_zero',
        'STMask',
        'Beginning with kernels where they are without it, adaptive FCB helps.',
        'As above. Like all convolutions of the release, that of the offsets begins '
        'with random weights, so a training begins with kernels that are torn apart.',
        'stmask_fcb_ada_zero',
        'stmask_fca',
        gain=0.036,
        remark='So that is not why. Kernels are put on boxes that are themselves being '
        'learned, in 1,000 iterations from nothing; the paper begins with a network '
        'that finds boxes. So does the next experiment.',
        after='stmask_fcb_ada',
    ),
    Claim(
        'stmask_fcb_ada_continued',
        'STMask',
        'Added to a network that finds boxes already, adaptive FCB helps.',
        'As above.',
        'stmask_fcb_ada_continued',
        'stmask_fca_continued',
        where=('all', 'small', 'scale'),
        gain=0.036,
        remark='Both begin with the weights of `stmask_fca`. Offsets begin at zero, so '
        'FCB changes nothing at first. The loss from scratch, above, is not seen here, '
        'nor is a gain. Either a trained network helps, or 400 iterations hardly move '
        'the kernels.',
        after='stmask_fcb_ada',
    ),
    Claim(
        'stmask_fcb_ali',
        'STMask',
        'Aligned calibration of features (FCB) helps beside FCA.',
        'Table 2: 33.1 against 30.8 AP.',
        'stmask_fcb_ali',
        'stmask_fca',
        gain=0.023,
    ),
    Claim(
        'stmask_fcb_ali_masks',
        'STMask',
        'Aligned FCB helps where it is of masks alone, not of embeddings.',
        'Table 2 has no such row: 31.7 AP of class and mask, 33.1 of mask and track.',
        'stmask_fcb_ali_masks',
        'stmask_fca',
        gain=0.009,
        remark='Of what aligned FCB costs, some two fifths are of embeddings; masks do '
        'not gain.',
        after='stmask_fcb_ali',
    ),
]
