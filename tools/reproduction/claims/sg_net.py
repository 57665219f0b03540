"""What SG-Net claims of its parts."""

from reproduction.plan_format import Claim

from .further import and_six_seeds

CLAIMS = [
    *and_six_seeds(
        Claim(
            'sg_net_sub_regions',
            'SG-Net',
            'Attention by sub-regions helps.',
            'Table 2, d over b: 36.1 against 34.3 AP.',
            'sg_net_d',
            'sg_net_b',
            gain=0.018,
        )
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
    *and_six_seeds(
        Claim(
            'sg_net_base_masks',
            'SG-Net',
            'Base masks of several levels help.',
            'Table 2, d over c: 36.1 against 35.2 AP.',
            'sg_net_d',
            'sg_net_c',
            gain=0.009,
        )
    ),
    *and_six_seeds(
        Claim(
            'sg_net_giou',
            'SG-Net',
            'The GIoU loss of boxes helps.',
            'Table 2, e over d: 36.3 against 36.1 AP.',
            'sg_net',
            'sg_net_d',
            gain=0.002,
        )
    ),
    *(
        Claim(
            f'sg_net_{name}',
            'SG-Net',
            text,
            f'Table 2, {better[-1]} over a: {paper} against 31.1 AP.',
            better,
            'sg_net_a',
            gain=gain,
            after=after,
        )
        for name, text, better, paper, gain, after in (
            (
                'sub_regions_alone',
                'Attention by sub-regions helps where base masks are of one level.',
                'sg_net_c',
                35.2,
                0.041,
                'sg_net_sub_regions',
            ),
            (
                'base_masks_alone',
                'Base masks of several levels help where attention is of one region.',
                'sg_net_b',
                34.3,
                0.032,
                'sg_net_base_masks',
            ),
        )
    ),
    Claim(
        'sg_net_whole',
        'SG-Net',
        'Sub-regions, base masks and the GIoU loss help together.',
        'Table 2, e over a: 36.3 against 31.1 AP.',
        'sg_net',
        'sg_net_a',
        gain=0.052,
        remark='It is about a third of the difference of the paper. Of the single '
        'steps, none can be told from chance.',
    ),
]
