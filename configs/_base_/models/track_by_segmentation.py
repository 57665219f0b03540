# Whatever instance segmentor of mmdet is given as the detector, and an association that
# needs no training.
model = dict(
    type='TrackBySegmentation',
    tracker=dict(type='SpaceTracker'),
    score_thr=0.3,
    max_per_img=50,
    mask_nms_thr=0.7,
)
