# Table 2, b (34.3 AP): a with the base mask module.
_base_ = ['./sg_net_table2_d.py']

model = dict(blender=dict(max_division=1))
