"""Exported networks at work: neither torch nor mmcv nor mmdet is imported here.

What ``python -m mmvis export`` writes is run by ONNX Runtime or OpenVINO; everything
around the network (frames in, detections, tracks, masks out) is numpy and OpenCV.

    errors.py              what is wrong with a file or its runtime
    model_file.py          a file's metadata and its networks
    networks.py            one network, by ONNX Runtime or OpenVINO
    preparation.py         frames to the network's input
    boxes.py               decoding, overlaps, non-maximum suppression
    masks.py               masks of an input to those of the original frame
    track_memory.py        what is remembered of a video's tracks
    embedding_tracker.py   STMask's association
    conflicts.py           which of several detections gets a track
    kept_anchors.py        detections as a network takes them that is for them alone
    stmask.py              STMask, frame by frame
    frame_session.py       what sessions of all kinds have in common
    session.py             one video on its way through a model
    exported_model.py      from a file to something that predicts
"""
