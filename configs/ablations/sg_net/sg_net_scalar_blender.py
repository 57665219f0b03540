# Eq. 2 as printed: one attention score and one base mask a sub-region.
_base_ = ['../../sg_net_r50.py']

model = dict(blender=dict(type='ScalarBlender'))
