# The tiny MaskTrack R-CNN without its track head: the same detector, nothing trained
# for the association.
_base_ = ['./masktrack_rcnn_tiny.py']

masktrack = _base_.model
model = dict(
    _delete_=True,
    type='TrackBySegmentation',
    data_preprocessor=masktrack.data_preprocessor,
    detector=masktrack.detector,
    tracker=dict(
        type='EmbeddingMaskIoUTracker',
        match_weights=dict(embedding=1.0, mask_iou=1.0, bbox_iou=1.0, label=1.0),
        embedding_momentum=0.5,
        epsilon=1.2,
        conflict='drop_duplicates',
        num_frames_retain=20,
    ),
    # All that the detector gives, for an AP of ranked tracks: an object may be found as
    # several classes, and each of them is a track.
    score_thr=0.0,
    max_per_img=20,
    mask_nms_thr=None,
)
del masktrack
