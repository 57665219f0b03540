"""Check a results.json or submission zip before it goes to the evaluation server.

    python tools/analysis_tools/check_submission.py results.zip valid/instances.json

Prints one line for each fault; the exit code is 1 if there is any.
"""

import argparse
import sys


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('results', help='results .json, or .zip with results.json')
    parser.add_argument('ann_file', help='annotation file of the split')
    args = parser.parse_args()
    from mmvis.evaluation import check_submission

    try:
        faults = check_submission(args.results, args.ann_file)
    except (OSError, ValueError) as error:
        faults = [str(error)]
    for fault in faults:
        print(fault)
    print(f'{len(faults)} faults' if faults else f'{args.results} is in order')
    return int(bool(faults))


if __name__ == '__main__':
    sys.exit(main())
