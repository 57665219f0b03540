# The paper trains with 4 clips, on four GPUs, and says nothing else: MaskTrack R-CNN's
# 12 epochs, at its learning rate for so many clips.
_base_ = ['./schedule_12e.py']

optim_wrapper = dict(optimizer=dict(lr=0.000625))
auto_scale_lr = dict(base_batch_size=4)
