"""Choices of mmvis among trackers."""

from reproduction.plan_format import Claim

CLAIMS = [
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
    *(
        Claim(
            f'space_tracker_{than}',
            'Trackers',
            f'With the detector of a MaskTrack R-CNN, SpaceTracker is better than '
            f'{text}.',
            'None, a choice of mmvis.',
            'track_by_segmentation_space',
            than,
            where=('all', 'twins', 'fast', 'reenter', 'occlusion'),
            budget='weights',
            seeds=range(3, 6),
        )
        for than, text in (
            ('track_by_segmentation', 'a sum of looks, IoU and label'),
            ('masktrack_rcnn', 'the embeddings that it was trained with'),
        )
    ),
    Claim(
        'space_tracker_stmask',
        'Trackers',
        "With the frames of an STMask, SpaceTracker is better than STMask's tracker "
        'with temporal fusion.',
        'None, a choice of mmvis.',
        'stmask_fine_space',
        'stmask_fine',
        where=('all', 'twins', 'fast', 'reenter', 'occlusion'),
        budget='weights',
        seeds=range(3, 6),
    ),
]
