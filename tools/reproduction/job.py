"""One run with one seed, from config to record; it goes on where it was stopped."""

from __future__ import annotations

import fcntl
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from mmvis.engine.checkpoint import load_checkpoint_file
from mmvis.engine.config_files import read_config, replace_entries
from mmvis.evaluation.class_agnostic import (
    results_without_categories,
    without_categories,
)
from mmvis.evaluation.evaluate_results import (
    build_ground_truth,
    checked_results,
    load_ground_truth,
)
from mmvis.evaluation.match_records import MatchRecords
from mmvis.evaluation.summary import evaluate_tracks

from .plan_format import ROOT, Plan, PlanError, Run
from .run_files import RunFiles, code_version, settings_of, write_record

TOOLS = ROOT / 'tools'
CHECKPOINTS = 8
"""Checkpoints a training writes: less than an eighth of it is lost by a stop."""


class BusyError(RuntimeError):
    """Another process has this run in hand."""


def do_job(
    plan: Plan,
    run: Run,
    seed: int,
    files: RunFiles,
    trained: RunFiles,
    data_root: Path,
    options: Mapping[str, Any],
    first: RunFiles | None = None,
) -> None:
    """Train, if the run is trained, test, and write the record.

    Args:
        plan, run, seed: what to do.
        files: its own.
        trained: those of the run whose weights it has.
        data_root: folder of the splits.
        options: entries to replace in every config, for the machine's sake.
        first: those of the run with whose weights its training begins.

    Raises:
        BusyError: another process is at it.
        PlanError: something is missing, or a step failed; its log says why.
    """
    files.folder.mkdir(parents=True, exist_ok=True)
    with files.lock.open('w') as lock:
        try:
            # Held by the steps as well, which inherit it: none of them is begun twice
            # where this process alone was killed.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(
                f'{files.name} is in the hands of another process'
            ) from None
        os.set_inheritable(lock.fileno(), True)
        iterations = plan.trained(run).iterations
        config = run_config(plan, run, options)
        config.dump(files.config)
        settings = {'data_root': f'{data_root}/', 'randomness.seed': seed}
        checkpoint = trained.checkpoint(iterations)
        if run.test_of is None and not checkpoint.is_file():
            if (files.work_dir / 'last_checkpoint').is_file():
                step(files, 'train.py', settings, '--resume')
            elif first is None:
                step(files, 'train.py', settings)
            else:
                weights = first.checkpoint(plan.run(run.begins_with).iterations)
                check_weights(weights, first, f'with which {files.name} begins')
                step(files, 'train.py', {**settings, 'load_from': weights})
        check_weights(checkpoint, trained, f'which {files.name} tests')
        results = files.folder / 'results.json'
        begun = time.monotonic(), cpu_seconds()
        step(files, 'test.py', settings, checkpoint, '--out', results)
        meta = load_checkpoint_file(str(checkpoint), map_location='cpu')['meta']
        seconds = {
            'train': meta['training_seconds'],
            'test': {
                'cpu': cpu_seconds() - begun[1],
                'wall': time.monotonic() - begun[0],
            },
        }
        record = {
            'run': run.name,
            'seed': seed,
            'settings': settings_of(plan, run),
            'options': dict(options),
            'commit': code_version(),
            # Checkpoints of before it was kept do not have it.
            **{key: meta[key] for key in ('trained_commit',) if key in meta},
            'torch': torch.__version__,
            'device': device_name(),
            'seconds': seconds,
            **measured(config, data_root, results),
        }
        write_record(files.record, record)
        results.unlink()  # the zip beside it holds the same


def check_weights(checkpoint: Path, owner: RunFiles, use: str) -> None:
    """Raise PlanError where weights that a record tells of are not there."""
    if not checkpoint.is_file():
        raise PlanError(
            f'{checkpoint}, {use}, is not there: delete {owner.record}, so that it is '
            'trained again.'
        )


def run_config(plan: Plan, run: Run, options: Mapping[str, Any]) -> Config:
    """The config of a run: length and overrides applied, no validation on the way."""
    config = read_config(str(ROOT / plan.config_of(run)))
    iterations = plan.trained(run).iterations
    replace_entries(config, length_entries(config, iterations))
    replace_entries(config, plan.overrides_of(run))
    replace_entries(config, options)
    config.val_cfg = config.val_dataloader = config.val_evaluator = None
    timing = dict(type='TrainingTimeHook', commit=code_version())
    config.custom_hooks = [*config.custom_hooks, timing]
    return config


def length_entries(config: Config, iterations: int) -> dict[str, Any]:
    """Entries that fit a training of the tiny schedule to a number of iterations."""
    entries: dict[str, Any] = {
        'train_cfg.max_iters': iterations,
        'train_cfg.val_interval': iterations,
        'default_hooks.checkpoint.interval': -(-iterations // CHECKPOINTS),
        # The last but one is whole while the last one is being written.
        'default_hooks.checkpoint.max_keep_ckpts': 2,
    }
    kinds = [scheduler.type for scheduler in config.param_scheduler]
    if kinds != ['LinearLR', 'CosineAnnealingLR']:
        raise PlanError(
            f'{config.filename} has the schedule {kinds}; what can be fitted to a '
            'number of iterations is LinearLR, CosineAnnealingLR.'
        )
    warm_up = min(config.param_scheduler[0].end, iterations // 4)
    entries['param_scheduler.0.end'] = entries['param_scheduler.1.begin'] = warm_up
    entries['param_scheduler.1.end'] = iterations
    return entries


def step(files: RunFiles, script: str, settings: Mapping[str, Any], *arguments) -> None:
    """Run one of the tools; what it says goes into the run's log.

    Raises:
        PlanError: it failed.
    """
    command = [sys.executable, str(TOOLS / script), str(files.config)]
    command += [*map(str, arguments), '--work-dir', str(files.work_dir)]
    command += ['--cfg-options', *(f'{key}={value}' for key, value in settings.items())]
    with files.log.open('a') as log:
        log.write(f'$ {" ".join(command)}\n')
        log.flush()
        code = subprocess.call(
            command, stdout=log, stderr=subprocess.STDOUT, close_fds=False
        )
    if code:
        said = files.log.read_text(errors='replace').strip().splitlines()[-1]
        raise PlanError(f'{files.name}: {script} failed: {said[:300]} ({files.log})')


def measured(config: Config, data_root: Path, results: Path) -> dict[str, Any]:
    """Metrics and matches of a results file."""
    evaluator = config.test_evaluator
    annotations = load_ground_truth(data_root / config.test_dataloader.dataset.ann_file)
    truth = build_ground_truth(
        annotations,
        None,
        evaluator.get('area_ranges'),
        evaluator.get('area_unit', 'pixel'),
    )
    tracks = checked_results(results, annotations)
    names = {c['id']: c['name'] for c in annotations.categories}
    metrics = evaluate_tracks(truth, tracks, names, class_agnostic=True)
    as_one = without_categories(truth)
    of_one = as_one.match(results_without_categories(tracks, truth.category_ids))
    return {
        'data': annotations.info,
        'metrics': metrics,
        'matches': MatchRecords.from_matches(truth, truth.match(tracks)).to_json(),
        'matches_agnostic': MatchRecords.from_matches(as_one, of_one).to_json(),
    }


def cpu_seconds() -> float:
    """User and system time of the steps that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def device_name() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else 'cpu'
