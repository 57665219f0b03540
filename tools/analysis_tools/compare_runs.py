"""Mean, standard deviation and range of AP over several results files.

python tools/analysis_tools/compare_runs.py valid/instances.json \
    --run seeds=run0/results.json,run1/results.json,run2/results.json
"""

import argparse
import json
import sys

from mmvis.engine.command_line import CommandError, user_message
from mmvis.structures.whole_file import whole_file


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('ann_file', help='annotation file with labels')
    parser.add_argument(
        '--run',
        action='append',
        required=True,
        metavar='NAME=FILE,FILE,...',
        help='results files (.json, or .zip with results.json) that are one group, as '
        'the seeds of one config; may be repeated to compare groups',
    )
    parser.add_argument('--out', help='write the unrounded numbers to this json file')
    return parser.parse_args(argv)


def parse_groups(texts: list[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for text in texts:
        name, equals, listed = text.partition('=')
        files = [file for file in listed.split(',') if file]
        if not name or not equals or not files:
            raise CommandError(f'--run is NAME=FILE,FILE,...; got {text!r}.')
        if name in groups:
            raise CommandError(f'--run {name} is given twice.')
        groups[name] = files
    return groups


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    from mmvis.evaluation.run_statistics import compare_runs, format_runs, to_dict

    try:
        compared = compare_runs(parse_groups(args.run), args.ann_file)
        print(format_runs(compared))
        if args.out:
            with whole_file(args.out) as file:
                file.write(json.dumps(to_dict(compared), indent=2) + '\n')
            print(f'wrote {args.out}')
    except (ValueError, OSError) as error:
        message = user_message(error)
        if message is None:
            raise
        print(f'compare_runs: {message}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
