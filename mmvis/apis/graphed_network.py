"""The network of a video model as CUDA graphs: kernels without Python in between."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mmvis.structures.nested_tensors import map_tensors

Extract = Callable[[Tensor], Any]
Capture = Callable[[Extract, Tensor], Extract]

# A graph holds the feature maps of its size for as long as it is kept.
KEPT = 4
WARM_UPS = 3


def capture_cuda_graph(extract: Extract, frames: Tensor) -> Extract:
    """Record what ``extract`` launches for frames of this size.

    Args:
        extract (Callable): From frames (T, C, H, W) to tensors in nested tuples,
            without a read of the device.
        frames (Tensor): On a GPU.

    Returns:
        Callable: The same function, for frames of this shape and dtype alone. Its
        results stand in the same memory each time.
    """
    place = torch.empty_like(frames)
    place.copy_(frames)
    # cuDNN and cuBLAS choose and allocate in the first calls, which no graph can hold.
    side = torch.cuda.Stream(frames.device)
    side.wait_stream(torch.cuda.current_stream(frames.device))
    with torch.cuda.stream(side):
        for _ in range(WARM_UPS):
            extract(place)
    torch.cuda.current_stream(frames.device).wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        results = extract(place)

    def replay(frames: Tensor) -> Any:
        place.copy_(frames)
        graph.replay()
        return results

    return replay


class GraphedNetwork:
    """A network that is recorded once for each size of input, and then replayed.

    Sizes that come once, such as a video's last chunk, are not worth it: a size is
    recorded when it comes for the second time. The graphs of the last ``kept`` sizes
    are kept. Where recording fails, the network goes on as it is.

    Args:
        extract (Callable): From frames (T, C, H, W) to tensors in nested tuples.
        say (Callable): Gets one sentence if recording fails.
        capture (Callable): Records; :func:`capture_cuda_graph`.
        kept (int): Most graphs that are kept.
    """

    def __init__(
        self,
        extract: Extract,
        say: Callable[[str], None],
        capture: Capture = capture_cuda_graph,
        kept: int = KEPT,
    ) -> None:
        self.extract = extract
        self.say = say
        self.capture = capture
        self.kept = kept
        self.usable = True
        # Sizes that were seen, with their graphs from the second time on.
        self._graphs: OrderedDict[tuple, Extract | None] = OrderedDict()
        # Sessions of several threads share the memory of a graph.
        self._lock = threading.Lock()

    def __call__(self, frames: Tensor) -> Any:
        """As ``extract``; the results are the caller's own."""
        if not self.usable:
            return self.extract(frames)
        with self._lock:
            graph = self._graph(frames)
            if graph is not None:
                # The next replay writes over them, and a state may keep some.
                return map_tensors(torch.clone, graph(frames))
        return self.extract(frames)

    def _graph(self, frames: Tensor) -> Extract | None:
        key = (frames.shape, frames.dtype, frames.device)
        seen = key in self._graphs
        graph = self._graphs.pop(key, None)
        if seen and graph is None:
            try:
                graph = self.capture(self.extract, frames)
            except Exception as error:
                self.usable = False
                self._graphs.clear()
                reason = str(error).strip().split('\n')[0] or type(error).__name__
                self.say(f'The network runs without CUDA graphs: {reason}')
                return None
        self._graphs[key] = graph
        while len(self._graphs) > self.kept:
            self._graphs.popitem(last=False)
        return graph


def use_graphs(model: nn.Module, say: Callable[[str], None]) -> None:
    """Let a video model's ``extract_test_feat`` be recorded and replayed.

    Args:
        model (nn.Module): A video model of mmvis on a GPU, in eval mode; the method is
            replaced for this object.
        say (Callable): Gets one sentence if that fails.
    """
    video_model: Any = model
    model.__dict__['extract_test_feat'] = GraphedNetwork(
        video_model.extract_test_feat, say
    )
