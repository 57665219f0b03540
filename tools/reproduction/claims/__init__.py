"""The papers' claims, a file for each paper."""

from . import instance_flow, sg_net, stmask, tfan, trackers

CLAIMS = [
    claim
    for part in (stmask, tfan, sg_net, instance_flow, trackers)
    for claim in part.CLAIMS
]
