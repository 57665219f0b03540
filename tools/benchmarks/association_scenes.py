"""Association on hand-made scenes of one difficulty each: how many are wrong.

    python tools/benchmarks/association_scenes.py
    python tools/benchmarks/association_scenes.py posts nested --set gate=0.7

Posts, nested and turning objects, fast and quick ones, strangers, pieces, and false
alarms, each at many speeds and sizes, without looks. A scene is wrong if an object
loses its id (``lost`` counts how often), or an id goes over to another (``taken``).
Some have no sure answer: a rule that mends one family has to break no other.
"""

import argparse

# Those of measuring/association_scenes.py, which --help does without.
FAMILIES = (
    'posts',
    'nested',
    'turning',
    'fast',
    'quick',
    'strangers',
    'pieces',
    'alarms',
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('families', nargs='*', help=f'of {", ".join(FAMILIES)}')
    parser.add_argument('--every', type=int, default=1, help='only each so many scenes')
    parser.add_argument('--no-old', action='store_true', help='MaskTracker only')
    parser.add_argument(
        '--set', nargs='+', default=[], metavar='KEY=VALUE', help='of MaskTracker'
    )
    args = parser.parse_args(argv)
    unknown = set(args.families) - set(FAMILIES)
    if unknown:
        parser.error(f'no family is called {", ".join(sorted(unknown))}.')
    return args


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    from association import settings_of
    from measuring.association_runs import runs
    from measuring.association_scenes import judge

    names = {'without looks': 'MaskTracker', 'before, no looks': 'as before'}
    made = runs(settings_of(args.set), old=not args.no_old)
    for name in names.keys() & made.keys():
        for family, row in judge(made[name], args.families, args.every).items():
            counts = ', '.join(f'{number:4d} {key}' for key, number in row.items())
            print(f'{names[name]:12s} {family:10s} {counts}', flush=True)


if __name__ == '__main__':
    main()
