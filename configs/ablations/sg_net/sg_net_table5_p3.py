# Table 5: base masks of P3 alone.
_base_ = ['../../sg_net_r101.py']

model = dict(base_mask_module=dict(num_levels=1))
