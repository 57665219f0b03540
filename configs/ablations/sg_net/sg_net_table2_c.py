# Table 2, c (35.2 AP): a with spatial attention.
_base_ = ['./sg_net_table2_d.py']

model = dict(base_mask_module=dict(num_levels=1, num_convs=0))
