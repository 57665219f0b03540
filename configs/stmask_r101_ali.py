# STMask R101 with features aligned to the regressed box in closed form (eqs. 6-8), in
# the mask and the track branch.
_base_ = ['./stmask_r101.py']

model = dict(
    bbox_head=dict(
        calibration=dict(offset=dict(type='AlignedOffset'), branches=('coeff', 'embed'))
    )
)
