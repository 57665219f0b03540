"""Do other ways to run a model find the tracks that PyTorch finds in float32?

    python tools/benchmarks/same_tracks.py CONFIG WEIGHTS --ann valid/instances.json \\
        --img-prefix valid/JPEGImages --out docs/en/same_tracks.json

Every video goes through each way, on a CPU. A frame is equal where it has the same ids
with the same labels; what differs in such frames is printed, over all instances:
scores, boxes in pixels of the frame, masks by their overlap, and pixels that are in one
mask alone, as a share of PyTorch's. --page writes the table into a document.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from measuring.pages import rows_of, write_table

WAYS = {
    'onnxruntime': 'exported, ONNX Runtime',
    'onnxruntime_half': 'exported with `--half` (float16), ONNX Runtime',
    'openvino': 'exported, OpenVINO, float32',
    'channels_last_bf16': 'PyTorch, channels last, `half=True` (bfloat16)',
    'openvino_half': 'exported, OpenVINO, `half=True` (bfloat16)',
}
HEAD = [
    '',
    'frames with equal ids and labels',
    'scores: median, 95 %, most',
    'boxes (px)',
    'masks: mean IoU',
    'pixels that differ',
]


def table(found: dict[str, Any]) -> str:
    """A row a way."""
    rows = []
    for way, words in WAYS.items():
        row = found['ways'].get(way)
        if row is None:
            continue
        differences = [
            ', '.join(map(short, row[name])) for name in ('scores', 'bboxes')
        ]
        masks = [f'{row["mask_iou"]:.4f}', f'{100 * row["pixels"]:.2g} %']
        equal = f'{row["equal"]} of {row["frames"]}'
        rows.append([words, equal, *differences, *masks])
    return rows_of(HEAD, rows)


def short(value: float) -> str:
    """One digit that counts, or all before the point."""
    return f'{value:.0f}' if value >= 10 else f'{value:.1g}'


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='file, or name of one of mmvis')
    parser.add_argument('weights')
    parser.add_argument('--ann', required=True, help='annotation file of the videos')
    parser.add_argument('--img-prefix', type=Path, required=True)
    parser.add_argument('--max-videos', type=int)
    parser.add_argument('--ways', nargs='+', choices=list(WAYS), default=list(WAYS))
    parser.add_argument('--out', type=Path, help='write the numbers to this json file')
    parser.add_argument('--page', type=Path, help='page whose table is written')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    from mmvis.apis import VISInferencer
    from mmvis.structures.annotation_file import read_annotation_file

    videos = read_annotation_file(args.ann).videos[: args.max_videos]
    paths = [[args.img_prefix / n for n in video['file_names']] for video in videos]
    reference = VISInferencer(args.config, args.weights, device='cpu')
    expected = [predict(reference, video) for video in paths]
    found: dict[str, Any] = dict(videos=len(paths), ways={})
    with tempfile.TemporaryDirectory() as folder:
        for way in args.ways:
            inferencer = open_way(args, way, Path(folder))
            results = [predict(inferencer, video) for video in paths]
            found['ways'][way] = compare(expected, results)
            print(way, found['ways'][way], flush=True)
    print(table(found))
    if args.out:
        args.out.write_text(json.dumps(found, indent=1) + '\n')
    if args.page:
        write_table(args.page, 'tracks', table(found))


def predict(inferencer: Any, frames: list[Path]) -> list:
    """The results of a video's frames."""
    return [result for _, result in inferencer.stream(frames)]


def open_way(args: argparse.Namespace, way: str, folder: Path) -> Any:
    """The model, to be run this way."""
    import torch

    from mmvis.apis import VISInferencer
    from mmvis.deploy.exporting import export_model

    if way == 'channels_last_bf16':
        inferencer = VISInferencer(args.config, args.weights, device='cpu', half=True)
        inferencer.model.to(memory_format=torch.channels_last)
        return inferencer
    runtime, _, half = way.partition('_')
    # ONNX Runtime computes as the file says, OpenVINO as it is told.
    options = dict(half=bool(half) and runtime == 'onnxruntime')
    if runtime == 'openvino':
        options['deformable'] = 'GridSample'
    path = folder / f'{way}.onnx'
    export_model(args.config, args.weights, path, **options)
    if runtime == 'onnxruntime':
        return VISInferencer(path, device='cpu')
    return VISInferencer(path, device='openvino', half=bool(half))


def compare(expected: list[list], found: list[list]) -> dict[str, Any]:
    """What is equal of videos' results, and how far the rest is off."""
    frames = equal = pixels = union = 0
    scores: list[np.ndarray] = []
    boxes: list[np.ndarray] = []
    overlaps: list[np.ndarray] = []
    for video, other in zip(expected, found, strict=True):
        for a, b in zip(video, other, strict=True):
            frames += 1
            # Whichever order they come in.
            one, two = (r[np.argsort(r.ids)] for r in (a, b))
            if (one.ids.tolist(), one.labels.tolist()) != (
                two.ids.tolist(),
                two.labels.tolist(),
            ):
                continue
            equal += 1
            if not len(one):
                continue
            scores.append(np.abs(one.scores - two.scores))
            boxes.append(np.abs(one.bboxes - two.bboxes).max(1))
            both = (one.masks & two.masks).sum((1, 2))
            either = (one.masks | two.masks).sum((1, 2))
            overlaps.append(both / np.maximum(either, 1))
            pixels += int((either - both).sum())
            union += int(one.masks.sum())
    return dict(
        frames=frames,
        equal=equal,
        instances=sum(map(len, scores)),
        scores=spread(scores),
        bboxes=spread(boxes),
        mask_iou=float(np.concatenate(overlaps).mean()) if overlaps else 1.0,
        pixels=pixels / max(union, 1),
    )


def spread(differences: list[np.ndarray]) -> list[float]:
    """Median, 95th percentile and maximum."""
    values = np.concatenate([np.zeros(1), *differences])
    return [float(np.quantile(values, share)) for share in (0.5, 0.95, 1)]


if __name__ == '__main__':
    main()
