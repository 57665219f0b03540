# Whatever instance segmentor of mmdet is given as the detector, and an association that
# needs no training.
model = dict(
    type='TrackBySegmentation',
    tracker=dict(
        type='EmbeddingMaskIoUTracker',
        match_weights=dict(embedding=1.0, mask_iou=1.0, bbox_iou=1.0, label=1.0),
        embedding_momentum=0.5,
        epsilon=1.2,
        conflict='drop_duplicates',
        num_frames_retain=30,
    ),
    score_thr=0.3,
    max_per_img=50,
    mask_nms_thr=0.7,
)
