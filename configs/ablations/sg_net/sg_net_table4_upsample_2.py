# Table 4: base masks at stride 4.
_base_ = ['../../sg_net_r101.py']

model = dict(base_mask_module=dict(upsample=2))
