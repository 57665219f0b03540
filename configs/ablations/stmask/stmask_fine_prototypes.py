# Not in the paper: masks at a half of the input's resolution in place of a quarter, for
# objects of few pixels. Weights of the other configs fit but for the last convolutions
# of the prototypes.
_base_ = ['../../stmask_r101.py']

model = dict(prototype_net=dict(num_upsamplings=2))
