"""How much memory a function needs on a CPU, beside what is there before."""

from collections.abc import Callable
from itertools import accumulate

from torch.profiler import ProfilerActivity, profile


def peak_memory(function: Callable[[], object]) -> int:
    """The most bytes that torch holds at a time for the function, results included.

    Every allocation counts, also those inside an operator.
    """
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        result = function()
    del result
    events = profiler.profiler.kineto_results.events()
    memory = [event for event in events if event.name() == '[memory]']
    memory.sort(key=lambda event: event.start_ns())
    return max(accumulate((event.nbytes() for event in memory), initial=0))
