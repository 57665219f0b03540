"""What TFAN claims of its parts."""

from reproduction.plan_format import Claim

CLAIMS = [
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
        'tfan_or_fc',
        'TFAN',
        'Features of RoIs are the better ones to augment, not fc features.',
        'None: which is the default.',
        'tfan',
        'tfan_fc',
        where=('all', 'blur', 'fast', 'occlusion'),
        after='tfan_fc',
    ),
    *(
        Claim(
            f'{model}_members',
            'TFAN',
            'Features of other frames help in testing a network that was trained with '
            f'them ({name}).',
            'None. Against the same weights without references.',
            model,
            f'{model}_own',
            where=('all', 'blur', 'fast', 'occlusion'),
            budget='weights',
            after=claim,
        )
        for model, name, claim in (
            ('tfan', 'eqs. 1-2', 'tfan_augmentation'),
            ('tfan_fc', 'fc features', 'tfan_fc'),
        )
    ),
    Claim(
        'tfan_fc_training',
        'TFAN',
        'Trained with fc features of other frames and tested without them, a network '
        'is better than Cascade.',
        'None. If not, training is what costs.',
        'tfan_fc_own',
        'tfan_cascade',
        where=('all', 'blur', 'fast', 'occlusion'),
        after='tfan_fc',
    ),
    *(
        Claim(
            f'{model}_continued',
            'TFAN',
            f'Added to a Cascade that finds objects already, augmentation {name} '
            'helps.',
            'None. The paper begins with a network that was trained on COCO.',
            f'{model}_continued',
            'tfan_cascade_continued',
            where=('all', 'blur', 'fast', 'occlusion'),
            remark='All are trained for 400 more iterations; the learning rate rises '
            'again first. The difference is nearer to zero than from scratch, above.',
            after=claim,
        )
        for model, name, claim in (
            ('tfan', 'by eqs. 1-2', 'tfan_augmentation'),
            ('tfan_fc', 'among fc features', 'tfan_fc'),
        )
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
]
