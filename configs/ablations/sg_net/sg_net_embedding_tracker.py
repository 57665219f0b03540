# Tracks by embeddings and mask IoU, as STMask's, instead of centres.
_base_ = ['../../sg_net_r50.py']

model = dict(
    bbox_head=dict(embed_channels=128),
    tracker=dict(
        _delete_=True,
        type='EmbeddingMaskIoUTracker',
        match_weights=dict(embedding=1.0, mask_iou=1.0),
        epsilon=0.3,
        num_frames_retain=20,
    ),
)
