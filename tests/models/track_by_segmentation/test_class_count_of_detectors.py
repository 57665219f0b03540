"""The number of classes of detectors that are named by a config."""

from model_configs import CONFIGS, build_on_meta, load

from mmvis.engine.class_count import fit_class_count, set_num_classes
from mmvis.models.track_by_segmentation.segmentor_config import segmentor_config


def test_detectors_of_mmdet_by_their_configs(tmp_path):
    queries = segmentor_config(
        dict(config='mmdet::mask2former/mask2former_r50_8xb2-lsj-50e_coco.py')
    )
    assert set_num_classes(queries, 3) == 80
    assert queries.panoptic_head.num_things_classes == 3
    assert queries.panoptic_head.loss_cls.class_weight == [1.0] * 3 + [0.1]
    assert queries.panoptic_fusion_head.num_things_classes == 3
    detector = load(CONFIGS / '_base_/models/masktrack_rcnn_tiny.py').model.detector
    (tmp_path / 'detector.py').write_text(f'model = {detector.to_dict()!r}')
    tracking = load(CONFIGS / '_base_/models/track_by_segmentation_tiny.py').model
    tracking.detector = dict(config=str(tmp_path / 'detector.py'))
    assert fit_class_count(tracking, ('a', 'b', 'c'), 'a file').startswith(
        'The model is made for 3 classes, those of a file: a, b, c.'
    )
    model = build_on_meta(tracking)
    assert model.detector.roi_head.mask_head.num_classes == 3
