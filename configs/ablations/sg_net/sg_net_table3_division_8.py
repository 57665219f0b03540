# Table 3: at most 8 divisions of a side, and as many base masks as sub-regions.
_base_ = ['../../sg_net_r101.py']

model = dict(blender=dict(max_division=8, num_base_masks=64))
