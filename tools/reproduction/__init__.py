"""What tools/reproduce.py is made of: plan, queue, records of runs, page."""

from .plan_format import Claim, Plan, Run

__all__ = ['Claim', 'Plan', 'Run']
