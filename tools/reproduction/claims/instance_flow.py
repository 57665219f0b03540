"""What InstanceFlow claims of its parts."""

from reproduction.plan_format import Claim

CLAIMS = [
    Claim(
        'instance_flow_tcf',
        'InstanceFlow',
        'Temporal context fusion is better than concatenation.',
        'Table II: 34.1 against 30.5 mAP.',
        'instance_flow',
        'instance_flow_concat',
        gain=0.036,
    ),
    Claim(
        'instance_flow_long_tcf',
        'InstanceFlow',
        'After three times as long a training, temporal context fusion is better than '
        'concatenation.',
        'As above.',
        'instance_flow_long',
        'instance_flow_concat_long',
        where=('all', 'occlusion', 'twins'),
        gain=0.036,
        after='instance_flow_tcf',
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
        gain=0.079,
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
        gain=0.066,
    ),
    Claim(
        'instance_flow_residual_average',
        'InstanceFlow',
        'The offset residual is better than the average of offsets.',
        'Table IV: 32.6 against 30.4 mAP, both without the shape loss.',
        'instance_flow',
        'instance_flow_average',
        where=('all', 'twins', 'fast', 'reenter'),
        budget='weights',
        gain=0.022,
    ),
    Claim(
        'instance_flow_long_residual_average',
        'InstanceFlow',
        'After three times as long a training, the offset residual is better than the '
        'average of offsets.',
        'As above.',
        'instance_flow_long',
        'instance_flow_long_average',
        where=('all', 'twins', 'fast', 'reenter'),
        budget='weights',
        gain=0.022,
        after='instance_flow_residual_average',
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
        'instance_flow_window',
        'InstanceFlow',
        'A window of 11 px for the NMS of centres tells look-alikes apart better than '
        'one of 21.',
        'None, and no unit of its 41. In an input of 1280 px they are 11 of 320; 21 '
        'was taken here.',
        'instance_flow_window',
        'instance_flow',
        where=('twins', 'all'),
        budget='weights',
        after='instance_flow_twins_stmask',
    ),
    Claim(
        'instance_flow_long',
        'InstanceFlow',
        '500 steps are too few for InstanceFlow.',
        'None.',
        'instance_flow_long',
        'instance_flow',
        where=('all', 'twins'),
        budget='longer',
        after='instance_flow_twins_stmask',
    ),
    *(
        Claim(
            f'instance_flow_long_twins_{than}',
            'InstanceFlow',
            'Trained for longer, InstanceFlow tells look-alikes apart better than '
            f'{name}.',
            'Figure 4, in words.',
            'instance_flow_long',
            than,
            where=('twins', 'all'),
            budget='longer',
            after=f'instance_flow_twins_{than}',
        )
        for than, name in (('stmask', 'STMask'), ('masktrack_rcnn', 'MaskTrack R-CNN'))
    ),
]
