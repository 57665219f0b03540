"""Choices of mmvis among trackers."""

from reproduction.plan_format import Claim

CONFLICTS = {
    'drop_duplicates': 'only those that lie on the winner are to be dropped',
    'next_best': 'the others are better given their next best track',
    'optimal': 'none decides alone: all are better assigned at once',
}

CLAIMS = [
    *(
        Claim(
            f'{model}_{conflict}',
            'Trackers',
            f'Of rivals for a track {CONFLICTS[conflict]} ({name}).',
            'None, a choice of mmvis; STMask drops all but one.',
            f'{model}_{conflict}',
            model,
            where=('all', 'twins'),
            budget='weights',
            seeds=seeds,
        )
        for model, name, seeds, conflicts in (
            ('stmask', 'STMask', None, ['drop_duplicates']),
            (
                *('stmask_fine', 'STMask with fine masks', range(3, 6)),
                ['next_best', 'optimal'],
            ),
            ('tfan', 'TFAN', None, CONFLICTS),
            (
                *('sg_net_embedding_tracker', 'SG-Net with embeddings', None),
                ['drop_duplicates'],
            ),
        )
        for conflict in conflicts
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
