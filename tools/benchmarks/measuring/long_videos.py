"""A long video through a model, and what it leaves behind in time and memory."""

from __future__ import annotations

import argparse
import gc
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmvis.apis import VISInferencer, find_config, open_source
from mmvis.apis.outputs import VideoOutputs
from mmvis.apis.video_result import VideoResult
from mmvis.tracking import MaskTracker

from .traffic import ForcedTraffic, Traffic
from .ways_to_predict import build


def make_inferencer(args: argparse.Namespace) -> VISInferencer:
    """A model of random weights whose frames are not scaled."""
    weights = build(find_config(args.config), argparse.Namespace(device='cpu'))
    height, width = args.size
    scale = {'test_pipeline.0.transforms.1.scale': (width, height)}
    return VISInferencer(
        args.config,
        weights.state_dict(),
        device=args.device,
        cfg_options=scale | args.cfg_options,
    )


def endure(args: argparse.Namespace) -> dict[str, Any]:
    """Predict ``args.frames`` frames; ``args.window`` is what the ends are.

    A window more goes to the session and, in turns, to a second one that has seen
    nothing before. The ratio of their CPU times is what the past costs, and holds on a
    busy machine as well. Memory and tracks are those of the time before: the second
    session has its own.
    """
    inferencer = make_inferencer(args)
    traffic = Traffic(args.objects, tuple(args.size), args.lifetime)
    first = traffic.scene(0).image
    frames, _ = inferencer._prepare([first], 0, 0)
    forced = ForcedTraffic(inferencer.model, traffic, tuple(frames.shape[-2:]))
    session = inferencer.session()
    result = outputs = None
    if args.files is not None:
        result = VideoResult(open_source([first]), inferencer.class_names)
        result._keep = False
        outputs = VideoOutputs(args.files, args.kinds, result, 25)
    seconds, memory, living, found = [], [], [], []
    ids: set[int] = set()
    shown: set[int] = set()
    for number in range(args.frames):
        scene = traffic.scene(number)
        forced.show(scene)
        spent, seen = timed(session, scene.image)
        seconds.append(spent)
        found.append(len(seen))
        ids.update(seen.ids.tolist())
        shown.update(scene.objects)
        living.append(living_tracks(session._state))
        if outputs is not None:
            result.add(seen)
            outputs.write(scene.image, seen)
        if number % 50 == 49 or number == args.window - 1:
            memory.append((number + 1, resident_kib()))
    state_kib = tensor_bytes(session._state) / 1024
    fresh = inferencer.session()
    turns = {session: 0.0, fresh: 0.0}
    for number in range(args.frames, args.frames + args.window):
        scene = traffic.scene(number)
        forced.show(scene)
        for one in (session, fresh) if number % 2 else (fresh, session):
            turns[one] += timed(one, scene.image)[0]
    report = dict(
        frames=args.frames,
        objects=len(shown),
        ids=len(ids),
        instances=float(np.mean(found)),
        living_early=max(living[: args.window]),
        living=max(living),
        late_by_early=sum(seconds[-args.window :]) / sum(seconds[: args.window]),
        late_by_fresh=turns[session] / turns[fresh],
        ms=1000 * float(np.mean(seconds)),
        state_kib=state_kib,
        fresh_state_kib=tensor_bytes(fresh._state) / 1024,
        **growth(memory, args.window),
    )
    if outputs is not None:
        report |= finish(outputs)
    return report


def timed(session: Any, image: np.ndarray) -> tuple[float, Any]:
    """CPU seconds of a step, and its result."""
    start = time.process_time()
    result = session.step(image)
    return time.process_time() - start, result


def finish(outputs: VideoOutputs) -> dict[str, float]:
    """What it takes to finish the files."""
    before, start = resident_kib(), time.process_time()
    outputs.close()
    files = outputs._video.files.values()
    return dict(
        finish_s=time.process_time() - start,
        finish_peak_mib=(peak_kib() - before) / 1024,
        files_mib=sum(path.stat().st_size for path in files if path.is_file()) / 2**20,
    )


def growth(memory: list[tuple[int, int]], window: int) -> dict[str, float]:
    """Resident memory behind the first window, and how it goes on from there."""
    frames, kib = np.array([row for row in memory if row[0] >= window]).T
    slope = np.polyfit(frames, kib, 1)[0] if len(frames) > 1 else 0.0
    return dict(
        resident_mib=kib[0] / 1024,
        grown_kib=float(kib[-1] - kib[0]),
        kib_a_thousand_frames=1000 * float(slope),
    )


def living_tracks(state: Any) -> int:
    """Tracks that the state of a video remembers."""
    for name in ('memory', 'tracks'):
        state = getattr(state, name, state)
    if isinstance(state, MaskTracker):
        return state.num_tracks
    return len(state.track_ids) if hasattr(state, 'track_ids') else len(state)


def tensor_bytes(root: Any) -> int:
    """Bytes of all tensors and arrays that can be reached from an object's contents."""
    seen: set[int] = set()
    waiting, total = [root], 0
    storages: set[int] = set()
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, (type, str, bytes)):
            continue
        seen.add(id(thing))
        if isinstance(thing, torch.Tensor):
            storage = thing.untyped_storage()
            if storage.data_ptr() not in storages:
                storages.add(storage.data_ptr())
                total += storage.nbytes()
        elif isinstance(thing, np.ndarray):
            total += thing.nbytes
        elif isinstance(thing, (dict, list, tuple, set)) or hasattr(thing, '__dict__'):
            waiting += [t for t in gc.get_referents(thing) if not callable(t)]
    return total


def resident_kib() -> int:
    """What this process has in memory now (Linux)."""
    pages = int(Path('/proc/self/statm').read_text().split()[1])
    return pages * resource.getpagesize() // 1024


def peak_kib() -> int:
    """The most that it ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
