"""The picture of InstanceFlow's maps, for folders and video files."""

import importlib.util

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from model_factory import CONFIGS, tiny_config

from mmvis.registry import MODELS
from mmvis.visualization import Mp4Writer

TINY = CONFIGS / 'tiny/instance_flow_tiny_synthvis.py'
TOOL = CONFIGS.parent / 'tools/analysis_tools/instance_flow_maps.py'
SIZE = (60, 80)


def command():
    spec = importlib.util.spec_from_file_location(TOOL.stem, TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """A checkpoint that finds instances everywhere, and a video in both forms."""
    folder = tmp_path_factory.mktemp('maps')
    init_default_scope('mmvis')
    torch.manual_seed(0)
    model = MODELS.build(tiny_config(f'tiny/{TINY.name}').model)
    predictors = model.semantic_head.predictors
    torch.nn.init.constant_(predictors[-1][1].bias[-1:], -20.0)
    torch.nn.init.constant_(model.intra_frame_head.center[1].bias, 0.5)
    torch.save({'state_dict': model.state_dict()}, folder / 'model.pth')
    (folder / 'frames').mkdir()
    rng = np.random.default_rng(0)
    with Mp4Writer(str(folder / 'video.mp4'), fps=5) as writer:
        for t in range(4):
            frame = rng.integers(0, 255, (*SIZE, 3), dtype=np.uint8)
            cv2.imwrite(str(folder / 'frames' / f'{t:03d}.png'), frame)
            writer.write(frame)
    return folder


def run(files, video, *more, config=TINY):
    out = files / 'out' / 'maps.png'
    words = [files / video, config, files / 'model.pth']
    words += ['--out', out, '--cell-width', 80, *more]
    return command()([str(word) for word in words]), out


def test_a_row_a_frame_and_a_column_a_map(files, capsys):
    code, out = run(files, 'frames', '--frames', 1, 2)
    assert code == 0 and f'wrote {out}' in capsys.readouterr().out
    page = cv2.imread(str(out))
    assert page.shape[1] == 8 + 6 * (80 + 8)
    one = cv2.imread(str(run(files, 'video.mp4', '--frames', 1)[1]))
    assert page.shape[0] - 56 == 2 * (one.shape[0] - 56)
    assert one.std() > 20


def test_the_first_frame_has_no_flow_and_the_default_leaves_it_out(files):
    _, out = run(files, 'frames', '--frames', 0)
    assert cv2.imread(str(out)).shape[1] == 8 + 4 * (80 + 8)
    _, out = run(files, 'frames', '--everywhere', '--reference', 'first')
    assert cv2.imread(str(out)).shape[1] == 8 + 6 * (80 + 8)


@pytest.mark.parametrize(
    ('video', 'more', 'config', 'words'),
    [
        ('nowhere', [], TINY, 'nowhere does not exist'),
        ('frames', ['--frames', 4], TINY, 'has frames 0 to 3, not 4'),
        ('frames', [], 'none.py', 'none.py is neither a config file nor'),
        ('frames', [], CONFIGS / 'tiny/sg_net_tiny_synthvis.py', 'no InstanceFlow'),
        ('frames', [], CONFIGS / 'instance_flow_r50_coco.py', 'no offsets to ref'),
        ('model.pth', [], TINY, 'cannot be opened as a video'),
        ('frames', ['--out', 'maps.txt'], TINY, 'maps.txt must be a .png'),
        ('frames', [], CONFIGS / 'instance_flow_r50.py', 'model.pth'),
    ],
)
def test_mistakes_are_named(files, capsys, video, more, config, words):
    code, _ = run(files, video, *more, config=config)
    error = capsys.readouterr().err
    assert code == 1 and words in error and 'Traceback' not in error
