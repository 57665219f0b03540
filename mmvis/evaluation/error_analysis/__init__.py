"""Error analysis: what a results file loses AP to, and how much."""

from .analysis import ErrorAnalysis, analyze_errors

__all__ = ['ErrorAnalysis', 'analyze_errors']
