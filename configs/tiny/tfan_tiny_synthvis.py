# TFAN on SynthVIS tiny, from scratch, in minutes on two CPU cores.
_base_ = [
    '../_base_/models/tfan_tiny.py',
    '../_base_/datasets/synth_vis_tiny.py',
    '../_base_/tiny_runtime.py',
]

# N = 3 frames, the reference frames from anywhere in the video.
train_pipeline = _base_.train_pipeline
train_pipeline[0].update(num_ref_imgs=2, frame_range=None)
train_dataloader = dict(batch_size=3, dataset=dict(pipeline=train_pipeline))
