"""The papers' claims, as differences of small trainings on SynthVIS bench."""

from reproduction import Plan
from reproduction.claims import CLAIMS
from reproduction.plan_runs import RUNS

PLAN = Plan(
    data_root='data/synth_vis/bench',
    preset='bench',
    seeds=(0, 1, 2),
    runs=RUNS,
    claims=CLAIMS,
    systems=(
        'masktrack_rcnn',
        'stmask',
        'sg_net',
        'tfan',
        'instance_flow',
        'instance_flow_long',
    ),
)
