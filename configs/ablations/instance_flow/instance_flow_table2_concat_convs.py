# Table II, Concat + CONVS (30.5 mAP).
_base_ = ['../../instance_flow_r50.py']

fusion = dict(type='ConcatConvFusion', norm_cfg=_base_.norm_cfg)
model = dict(inter_frame_head=dict(fusion=fusion))
