"""What users' configs and checkpoints rest on: registered names, names of tensors.

Whoever moves or renames code changes none of this. A name that goes, and a tensor that
is called otherwise, break what people have: say so in the changelog, and let old
checkpoints load.
"""

import ast
import hashlib
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmvis.registry import MODELS

ROOT = Path(__file__).resolve().parents[1]

NAMES = {
    'DATASETS': """CocoPseudoVideoDataset VISClassBalancedDataset VISConcatDataset
        YouTubeVISDataset""",
    'DATA_SAMPLERS': 'ClipSampler InfiniteKeyFrameSampler KeyFrameSampler',
    'TRANSFORMS': """ClipFixedSizeCrop ClipRandomCrop LoadVISAnnotations LoadVISFrame
        PackVISInputs PseudoClip RefFrameSample""",
    'MODELS': """AdaptiveOffset AffinityFieldCriterion AlignedOffset AnchorConvolution
        AugmentedRoIExtractor BaseMaskModule CalibratedConvolution
        CalibratedFeatureConvolution CascadeMaskRoIHead CenternessLoss CenternessTracker
        ConcatCascadeASPPFusion ConcatConvFusion DeformableResNet
        EmbeddingMaskIoUTracker GranularityMaskLoss HardNegativeCrossEntropyLoss
        InstanceEmbedHead InstanceFlow InstanceFlowCriterion InstanceFlowTracker
        InterFrameHead IntraFrameHead LogGIoULoss MaskTrackRCNN MaskTrackRCNNTracker
        OfflineTFAN PairwiseEmbeddingLoss PrototypeMaskLoss PrototypeNetwork
        ReleasedHardNegativeCrossEntropyLoss ReleasedSTMaskHead SGNet SGNetHead STMask
        STMaskCriterion STMaskHead ScalarBlender SemanticHead TFAN TemporalContextFusion
        TemporalFeatureAugmentation TemporalFusion TemporalNetwork TrackBySegmentation
        VectorBlender YolactFPN""",
    'TASK_UTILS': """AffinityField ClassAwareAssigner InstanceAssembly
        InterOffsetAverage InterOffsetIoU KernelAnchorGenerator OffsetResidual
        YolactBBoxCoder""",
    'METRICS': 'YouTubeVISMetric',
    'HOOKS': """CheckpointFitHook NonFiniteLossHook NumClassCheckHook
        VISVisualizationHook""",
}

# Digests of the names and shapes of all tensors of a checkpoint.
TENSORS = {
    'stmask_tiny_synthvis': '29ec16ca02d31fbd',
    'sg_net_tiny_synthvis': 'eae1b2baf4e29f83',
    'tfan_tiny_synthvis': '3a1a5118e3427458',
    'instance_flow_tiny_synthvis': '3bf31e9d03cc4085',
    'masktrack_rcnn_tiny_synthvis': '3f4d640cd3b96bcd',
    'track_by_segmentation_tiny_synthvis': '82ec94c24329296f',
    'stmask_r101_ali': 'b3f2492216860835',
    'stmask_official_r50_ada': '2a9907979a349692',
    'instance_flow_table2_concat_cascade_aspp': 'de1b5257b659bdfa',
    'sg_net_embedding_tracker': '83c56ee20441684a',
}


def registered() -> dict[str, dict[str, Path]]:
    """File by name, of all that the package registers: read off the decorators.

    Tests register toys, and import files that nothing else does: what is in a
    registry by now proves nothing.
    """
    found = {}
    for path in sorted((ROOT / 'mmvis').rglob('*.py')):
        for node in ast.parse(path.read_text()).body:
            for decorator in getattr(node, 'decorator_list', ()):
                registry, _, method = ast.unparse(decorator).partition('.')
                if method == 'register_module()':
                    found.setdefault(registry, {})[node.name] = path
    return found


def imported_by_registries() -> set[Path]:
    """Files that are imported, transitively, with the packages that fill registries."""
    strings = [
        node.value
        for node in ast.walk(ast.parse((ROOT / 'mmvis/registry.py').read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    rooms = [text.removeprefix('mmvis.') for text in strings if text.isidentifier()]
    rooms += [text.removeprefix('mmvis.') for text in strings if '.' in text]
    places = [ROOT.joinpath('mmvis', *room.split('.')) for room in rooms]
    left = [place / '__init__.py' for place in places]
    left += [place.with_suffix('.py') for place in places]
    seen = set()
    while left:
        path = left.pop()
        if path in seen or not path.is_file():
            continue
        seen.add(path)
        place = path.relative_to(ROOT).parts
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                above = place[: -node.level] if node.level else ()
                module = [*above, *filter(None, (node.module or '').split('.'))]
                for name in ('', *(alias.name for alias in node.names)):
                    target = ROOT.joinpath(*module, name)
                    left += [target.with_suffix('.py'), target / '__init__.py']
    return seen


def test_registered_names():
    found = {registry: set(names) for registry, names in registered().items()}
    gone = {
        name
        for registry, names in NAMES.items()
        for name in set(names.split()) - found[registry]
    }
    assert not gone


def test_what_is_registered_is_imported_when_a_name_is_looked_up():
    """Else a config names it, and nobody knows it."""
    imported = imported_by_registries()
    lost = {
        name
        for names in registered().values()
        for name, path in names.items()
        if path not in imported
    }
    assert not lost


@pytest.mark.parametrize('config', TENSORS)
def test_names_of_tensors(config):
    path = next((ROOT / 'configs').rglob(f'{config}.py'))
    with DefaultScope.overwrite_default_scope('mmvis'), torch.device('meta'):
        model = MODELS.build(Config.fromfile(path).model)
    lines = sorted(f'{k} {tuple(v.shape)}' for k, v in model.state_dict().items())
    assert hashlib.sha256('\n'.join(lines).encode()).hexdigest()[:16] == TENSORS[config]
