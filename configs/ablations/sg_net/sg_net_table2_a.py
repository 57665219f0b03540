# Table 2, a (31.1 AP): one set of attention scores an instance, base masks of P3 by
# 1x1 convolutions alone, FCOS's box loss.
_base_ = ['./sg_net_table2_c.py']

model = dict(blender=dict(max_division=1))
