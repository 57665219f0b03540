"""Association alone: ids on ground-truth masks that are dropped, shaken and doubled.

    python tools/benchmarks/association.py data/synth_vis/bench/valid

The detector is taken out: its masks are those of the annotations, of which some are
missing, for a while or once, some are off their place or too large, some come twice and
some have another label. Looks are histograms of the colours inside. Compared are
MaskTracker with and without looks, and the tracker of STMask as TrackBySegmentation had
it before. AP is of the tracks against the true masks; AssA, id switches, teleports (a
track moves by more than its size a frame, onto another object) and the share of masks
that are reported follow from which object each mask was made of. The truth is their
ids: the AP that shaken masks can have.
"""

import argparse
import json
import time
from pathlib import Path


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('split', type=Path, help='folder: instances.json, JPEGImages')
    parser.add_argument('--videos', type=int, help='only so many')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--no-old', action='store_true', help='MaskTracker only')
    parser.add_argument(
        '--set', nargs='+', default=[], metavar='KEY=VALUE', help='of MaskTracker'
    )
    parser.add_argument('--out', type=Path, help='write the numbers to this json file')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    from measuring.association_runs import runs
    from measuring.noisy_detections import Account, Noise, noisy_frames

    from mmvis.evaluation import evaluate_results
    from mmvis.evaluation.submission import official_results
    from mmvis.evaluation.video_tracks import VideoTracks
    from mmvis.structures.annotation_file import read_annotation_file

    annotations = read_annotation_file(str(args.split / 'instances.json'))
    videos = annotations.videos[: args.videos]
    tracks = {video['id']: [] for video in videos}
    for track in annotations.annotations or []:
        if track['video_id'] in tracks:
            tracks[track['video_id']].append(track)
    settings = {}
    for entry in args.set:
        key, _, value = entry.partition('=')
        settings[key] = float(value) if '.' in value or 'e' in value else int(value)
    names = runs(settings, old=not args.no_old)
    accounts = {name: Account() for name in names}
    results: dict[str, list] = {name: [] for name in names}
    seconds = dict.fromkeys(names, 0.0)
    for video in videos:
        own = tracks[video['id']]
        categories = sorted({track['category_id'] for track in own})
        trackers = {name: make() for name, make in names.items()}
        size = (video['height'], video['width'])
        gathered = {
            n: VideoTracks(video['id'], len(video['file_names']), size) for n in names
        }
        folder = args.split / 'JPEGImages'
        frames = noisy_frames(video, own, folder, Noise(), args.seed + video['id'])
        for t, frame in enumerate(frames):
            for name, tracker in trackers.items():
                began = time.process_time()
                ids = tracker(t, frame)
                seconds[name] += time.process_time() - began
                accounts[name].add(video['id'], t, frame, ids)
                kept = ids >= 0
                gathered[name].add_frame(
                    t,
                    dict(
                        scores=frame.scores[kept],
                        labels=frame.labels[kept],
                        instances_id=ids[kept],
                        masks=frame.masks[kept],
                    ),
                )
        for name, tracks_of in gathered.items():
            ids_of = [*categories, *(c['id'] for c in annotations.categories)]
            results[name] += official_results([tracks_of.to_results()], ids_of)
    truth = dict(
        videos=videos,
        categories=annotations.categories,
        annotations=[track for own in tracks.values() for track in own],
    )
    rows = {}
    for name in names:
        metrics = evaluate_results(results[name], truth)
        numbers = {'AP': metrics['AP'], 'AP50': metrics['AP50']}
        rows[name] = {**numbers, **accounts[name].numbers(), 'seconds': seconds[name]}
        print(
            f'{name:18s}'
            + ''.join(f'{key} {value:7.4g}  ' for key, value in rows[name].items())
        )
    if args.out:
        args.out.write_text(json.dumps(rows, indent=1))


if __name__ == '__main__':
    main()
