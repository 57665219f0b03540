"""What becomes of rivals for one track, a choice of mmvis."""

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
]
