"""Records of runs that never were: matches drawn at random, settings of the plan."""

import numpy as np
from reproduction.run_files import RunFiles, settings_of, write_record

CONFIG = 'configs/bench/sg_net_bench.py'
SKILLS = {'strong': 0.9, 'weak': 0.3, 'odd': 0.6}
VIDEOS = 30
ATTRIBUTES = {'blur': list(range(0, 30, 3)), 'twins': list(range(1, 30, 2))}


def random_matches(rng, skill: float, categories: int = 2, videos: int = VIDEOS):
    """Each object is found with a chance, at some number of thresholds.

    The number of objects does not depend on the random numbers.
    """
    made = []
    for category in range(categories):
        positives = [(category + video // 2) % 3 for video in range(videos)]
        found, hits = [], []
        for video in rng.permutation(np.repeat(np.arange(videos), positives)):
            levels = rng.integers(1, 11) if rng.random() < skill else 0
            for bits in (int(1 << levels) - 1, 0)[: rng.integers(1, 3)]:
                found.append(int(video))
                hits.append(bits)
        made.append({'positives': positives, 'videos': found, 'hits': hits})
    return {'num_videos': videos, 'attributes': ATTRIBUTES, 'categories': made}


def make_records(plan, folder, skills, seeds=None, base=0) -> dict:
    """Write records; gives ``{run: {seed: content}}``."""
    contents = {}
    for run in plan.runs:
        for seed in plan.seeds if seeds is None else seeds:
            rng = np.random.default_rng([base, seed, len(contents)])
            metrics = {
                key: float(rng.random())
                for key in ('AP', 'AP50', 'AP_agnostic', 'AP50_agnostic')
            }
            metrics |= {f'{name}_AP': float(rng.random()) for name in ATTRIBUTES}
            content = {
                'run': run.name,
                'seed': seed,
                'settings': settings_of(plan, run),
                'commit': 'abc',
                'torch': '2.13',
                'device': 'cpu',
                'seconds': {
                    'train': {'cpu': 600.0 + 60 * seed, 'wall': 1.0},
                    'test': {'cpu': 120.0, 'wall': 1.0},
                },
                'metrics': metrics,
                'matches': random_matches(rng, skills[run.name]),
                'matches_agnostic': random_matches(rng, skills[run.name], 1),
            }
            write_record(RunFiles.of(run, seed, folder, folder).record, content)
            contents.setdefault(run.name, {})[seed] = content
    return contents
