"""Train and test what a plan lists, and write the page of what it shows.

python tools/reproduce.py tools/reproduction/plan.py --jobs 2 --nice 19
python tools/reproduce.py tools/reproduction/plan.py --claims stmask_fca
python tools/reproduce.py tools/reproduction/plan.py --claims stmask_fca --list
python tools/reproduce.py tools/reproduction/plan.py --report-only

Stop it as you like and start it again: a run that has its json is done, an unfinished
one goes on from its last checkpoint.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from functools import partial
from itertools import takewhile
from pathlib import Path

from reproduction.cost import cost_of
from reproduction.plan_format import ROOT, Plan, PlanError, Run, read_plan
from reproduction.run_files import RunFiles, finished
from reproduction.work_queue import (
    BUSY,
    Job,
    StoppedError,
    environment,
    python,
    run_jobs,
)

from mmvis.engine.key_values import KeyValues


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('plan', help='Python file with a PLAN')
    parser.add_argument(
        '--claims', nargs='+', metavar='NAME', help='run only what these claims need'
    )
    parser.add_argument('--seeds', nargs='+', type=int, help='run only these seeds')
    parser.add_argument('--jobs', type=int, default=1, help='runs at a time')
    parser.add_argument('--threads', type=int, default=1, help='threads of each')
    parser.add_argument('--nice', type=int, default=0, help='0 to 19: give way')
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('work_dirs/reproduction'),
        help='folder of logs, weights and results',
    )
    parser.add_argument(
        '--records',
        type=Path,
        default=ROOT / 'docs/en/reproduction/runs',
        help='folder of the json files, one a run and seed',
    )
    parser.add_argument(
        '--data', type=Path, help="folder of the data (default: the plan's)"
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=KeyValues,
        default={},
        help='entries to replace in all configs, such as a number of data workers',
    )
    parser.add_argument(
        '--page',
        type=Path,
        default=ROOT / 'docs/en/reproduction.md',
        help='what is written in the end; figures go to images/ beside it',
    )
    parser.add_argument(
        '--report-only', action='store_true', help='write the page of what is done'
    )
    parser.add_argument(
        '--list', action='store_true', help='show what is done, and what all takes'
    )
    parser.add_argument('--job', nargs=2, metavar=('RUN', 'SEED'), help='this one only')
    args = parser.parse_args(argv)
    # Jobs get the options as they were typed: what they mean is read once, there.
    typed = list(sys.argv[1:] if argv is None else argv)
    typed = typed[typed.index('--cfg-options') + 1 :] if args.cfg_options else []
    args.typed_options = list(takewhile(lambda t: not t.startswith('--'), typed))
    for name, least in (('jobs', 1), ('threads', 1), ('nice', 0)):
        if getattr(args, name) < least:
            parser.error(f'--{name} is at least {least}')
    return args


def files_of(args: argparse.Namespace, run: Run, seed: int) -> RunFiles:
    return RunFiles.of(run, seed, args.records.resolve(), args.out.resolve())


def data_of(args: argparse.Namespace, plan: Plan) -> Path:
    return (args.data or ROOT / plan.data_root).resolve()


def one_job(args: argparse.Namespace, plan: Plan) -> int:
    """Do one job in this process."""
    # Only jobs need torch and mmdet, whose import takes its time.
    from reproduction.job import BusyError, do_job

    from mmvis.engine.command_line import user_message

    run, seed = plan.run(args.job[0]), int(args.job[1])
    files = files_of(args, run, seed)
    trained = files_of(args, plan.trained(run), seed)
    first = None
    if run.begins_with is not None:
        first = files_of(args, plan.run(run.begins_with), seed)
    try:
        if not finished(plan, run, files):
            data = data_of(args, plan)
            do_job(plan, run, seed, files, trained, data, args.cfg_options, first)
    except BusyError as error:
        print(f'reproduce: {error}', file=sys.stderr)
        return BUSY
    except PlanError:
        raise
    except Exception as error:
        message = user_message(error)
        if message is None:
            raise
        raise PlanError(f'{files.name}: {message}') from error
    return 0


def all_jobs(args: argparse.Namespace, plan: Plan) -> int:
    """Do everything that is not done."""
    jobs = [
        (run, seed, files_of(args, run, seed))
        for run, seed in plan.jobs(args.claims)
        if args.seeds is None or seed in args.seeds
    ]
    done = {files.name for run, _, files in jobs if finished(plan, run, files)}
    cost = cost_of(plan, [job[:2] for job in jobs], partial(files_of, args))
    state = f'{len(done)} of {len(jobs)} runs are done; {cost}'
    if args.list:
        for _, _, files in jobs:
            print('done' if files.name in done else 'to do', files.name)
        print(state)
        return 0
    say(state)
    if len(done) == len(jobs):
        return 0
    os.nice(args.nice)
    make_data(data_of(args, plan), plan)
    queue = []
    for run, seed, files in jobs:
        if files.name in done:
            continue
        needed = [files_of(args, r, seed).name for r in plan.lineage(run)[:-1]]
        needs = [name for name in needed if name not in done]
        queue.append(Job(files.name, job_command(args, run, seed), needs))
    lost = run_jobs(queue, args.jobs, environment(args.threads), say)
    if lost:
        print(f'Not done: {", ".join(lost)}', file=sys.stderr)
    return bool(lost)


def job_command(args: argparse.Namespace, run: Run, seed: int) -> list[str]:
    command = python(__file__, args.plan, '--job', run.name, seed)
    command += ['--out', str(args.out), '--records', str(args.records)]
    if args.data is not None:
        command += ['--data', str(args.data)]
    if args.cfg_options:
        command += ['--cfg-options', *args.typed_options]
    return command


def report(args: argparse.Namespace, plan: Plan) -> int:
    """Write the page from the records that there are."""
    from reproduction.findings import Findings
    from reproduction.page import plan_name, write_page

    findings = Findings(plan, args.records.resolve())
    name = plan_name(Path(args.plan), ROOT)
    for path in write_page(findings, name, args.page.resolve()):
        print(f'wrote {path}')
    return 0


def make_data(root: Path, plan: Plan) -> None:
    """Write the data; what is there is left as it is."""
    command = python(ROOT / 'tools/dataset_tools/synth_vis.py', '--out', root)
    command += ['--preset', plan.preset]
    if plan.videos is not None:
        command += ['--train', str(plan.videos[0]), '--valid', str(plan.videos[1])]
    if subprocess.call(command):
        raise PlanError(f'The data could not be written to {root}.')


def say(line: str) -> None:
    print(line, flush=True)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    try:
        plan = read_plan(args.plan)
        if args.job:
            return one_job(args, plan)
        if args.report_only:
            return report(args, plan)
        code = all_jobs(args, plan)
        return code if args.list else max(code, report(args, plan))
    except PlanError as error:
        print(f'reproduce: {error}', file=sys.stderr)
    except StoppedError as error:
        print(f'reproduce: stopped ({error}); start it again to go on', file=sys.stderr)
    return 1


if __name__ == '__main__':
    sys.exit(main())
