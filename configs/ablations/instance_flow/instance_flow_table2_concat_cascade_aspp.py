# Table II, Concat + Cascade ASPP (31.0 mAP).
_base_ = ['../../instance_flow_r50.py']

fusion = dict(type='ConcatCascadeASPPFusion', norm_cfg=_base_.norm_cfg)
model = dict(inter_frame_head=dict(fusion=fusion))
