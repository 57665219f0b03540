"""Association alone: ids on ground-truth masks that are dropped, shaken and doubled.

    python tools/benchmarks/association.py data/synth_vis/bench/valid
    python tools/benchmarks/association.py davis --seeds 0 1 2 \\
        --noise dropped jittered doubled

The detector is taken out: its masks are those of the annotations, of which some are
missing, for a while or once, some are off their place or too large, some come twice and
some have another label. Looks are histograms of the colours inside. Compared are
MaskTracker with and without looks, and the tracker of STMask as TrackBySegmentation had
it before. AP is of the tracks against the true masks; AssA, id switches, teleports (a
track moves by more than its size a frame, onto another object) and the share of masks
that are reported follow from which object each mask was made of. The truth is their
ids: the AP that shaken masks can have. With TrackEval there is HOTA, too.
"""

import argparse
import json
import time
from pathlib import Path


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    from measuring.noisy_detections import NOISES

    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument(
        'splits', type=Path, nargs='+', help='folders: instances.json, JPEGImages'
    )
    parser.add_argument('--videos', type=int, help='only so many')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0])
    parser.add_argument(
        '--noise',
        nargs='+',
        choices=NOISES,
        default=['all'],
        help='what goes wrong, each by itself (default: all of it)',
    )
    parser.add_argument('--no-old', action='store_true', help='MaskTracker only')
    parser.add_argument(
        '--set', nargs='+', default=[], metavar='KEY=VALUE', help='of MaskTracker'
    )
    parser.add_argument('--out', type=Path, help='write the numbers to this json file')
    return parser.parse_args(argv)


def settings_of(entries: list[str]) -> dict:
    settings = {}
    for entry in entries:
        key, _, value = entry.partition('=')
        settings[key] = float(value) if '.' in value or 'e' in value else int(value)
    return settings


def frames_of(split: Path) -> Path:
    """The folder that the names of frames are relative to."""
    places = split / 'JPEGImages', *sorted(split.glob('*/JPEGImages'))
    return next(place for place in places if place.is_dir())


def measure(split: Path, noise: str, args: argparse.Namespace) -> dict[str, dict]:
    """Numbers by tracker; of several seeds counts are summed, others are means."""
    from measuring.association_runs import runs
    from measuring.noisy_detections import NOISES, Account, noisy_frames

    from mmvis.evaluation import evaluate_results
    from mmvis.evaluation.submission import official_results
    from mmvis.evaluation.tracking_metrics import has_trackeval, track_metrics
    from mmvis.evaluation.video_tracks import VideoTracks
    from mmvis.structures.annotation_file import read_annotation_file

    annotations = read_annotation_file(str(split / 'instances.json'))
    videos = annotations.videos[: args.videos]
    tracks: dict = {video['id']: [] for video in videos}
    for track in annotations.annotations or []:
        if track['video_id'] in tracks:
            tracks[track['video_id']].append(track)
    names = runs(settings_of(args.set), old=not args.no_old)
    accounts = {name: Account() for name in names}
    seconds = dict.fromkeys(names, 0.0)
    scores: dict[str, list] = {name: [] for name in names}
    truth = dict(
        videos=videos,
        categories=annotations.categories,
        annotations=[track for own in tracks.values() for track in own],
    )
    for seed in args.seeds:
        results: dict[str, list] = {name: [] for name in names}
        for video in videos:
            own = tracks[video['id']]
            categories = sorted({track['category_id'] for track in own})
            trackers = {name: make() for name, make in names.items()}
            size = (video['height'], video['width'])
            gathered = {
                n: VideoTracks(video['id'], len(video['file_names']), size)
                for n in names
            }
            drawn = seed + video['id']
            frames = noisy_frames(video, own, frames_of(split), NOISES[noise], drawn)
            for t, frame in enumerate(frames):
                for name, tracker in trackers.items():
                    began = time.process_time()
                    ids = tracker(t, frame)
                    seconds[name] += time.process_time() - began
                    accounts[name].add((seed, video['id']), t, frame, ids)
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
            ids_of = [*categories, *(c['id'] for c in annotations.categories)]
            for name, tracks_of in gathered.items():
                results[name] += official_results([tracks_of.to_results()], ids_of)
        for name in names:
            row = {'AP': evaluate_results(results[name], truth)['AP']}
            if has_trackeval():
                # Labels are wrong at random: what was followed is what counts.
                row['HOTA'] = track_metrics(results[name], truth, 0.0).overall['HOTA']
            scores[name].append(row)
    return {
        name: {
            **{key: sum(r[key] for r in rows) / len(rows) for key in rows[0]},
            **accounts[name].numbers(),
            'seconds': seconds[name],
        }
        for name, rows in scores.items()
    }


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    found: dict[str, dict] = {}
    for split in args.splits:
        for noise in args.noise:
            print(f'{split}, {noise}')
            rows = found[f'{split}, {noise}'] = measure(split, noise, args)
            for name, row in rows.items():
                print(
                    f'{name:18s}'
                    + ''.join(f'{key} {value:7.4g}  ' for key, value in row.items()),
                    flush=True,
                )
    if args.out:
        args.out.write_text(json.dumps(found, indent=1))


if __name__ == '__main__':
    main()
