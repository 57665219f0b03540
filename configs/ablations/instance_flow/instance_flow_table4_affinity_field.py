# Table IV, affinity field (23.3 mAP). Unit vectors are small beside offsets: their loss
# has the weight of the classes.
_base_ = ['../../instance_flow_r50.py']

model = dict(
    inter_frame_head=dict(offset_unit=None),
    criterion=dict(
        type='AffinityFieldCriterion',
        loss_inter=dict(loss_weight=1.0),
        loss_shape=None,
        width=32.0,
    ),
    tracker=dict(flow=dict(type='AffinityField')),
)
