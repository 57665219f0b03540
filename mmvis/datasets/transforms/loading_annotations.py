"""Instances of a frame: boxes, labels, ids and bitmaps."""

from typing import Any

import numpy as np
from pycocotools import mask as mask_utils

from mmvis.quiet_mmdet import quiet_mmdet
from mmvis.registry import TRANSFORMS
from mmvis.structures.rle import check_runs, unpack_counts

from .run_length_masks import RunLengthMasks

with quiet_mmdet():
    from mmdet.datasets.transforms import LoadTrackAnnotations


@TRANSFORMS.register_module()
class LoadVISAnnotations(LoadTrackAnnotations):
    """mmdet's LoadTrackAnnotations with what video instance segmentation needs.

    Different from mmdet's: masks are loaded by default; ids are int64 (annotation ids
    of COCO's crowds do not fit int32); an RLE with counts of bytes is a mask, not an
    ignored instance; a mask of another size than the frame is an error that names the
    frame. Adds ``gt_bboxes`` (n, 4) float32, ``gt_bboxes_labels`` (n,) int64,
    ``gt_instances_ids`` (n,) int64, ``gt_ignore_flags`` (n,) bool and ``gt_masks``
    (RunLengthMasks of n masks, uint8).
    """

    def __init__(self, with_mask: bool = True, **kwargs: Any) -> None:
        super().__init__(with_mask=with_mask, **kwargs)

    def _load_instances_ids(self, results: dict) -> None:
        ids = [instance['instance_id'] for instance in results['instances']]
        results['gt_instances_ids'] = np.array(ids, dtype=np.int64)

    def _load_masks(self, results: dict) -> None:
        instances = [
            {**instance, 'mask': self._checked(instance, results)}
            for instance in results['instances']
        ]
        # mmdet's loader flags an instance with an unusable polygon as ignored, in
        # place: it sees copies, since a frame drawn twice shares its instances.
        frame = {'ori_shape': results['ori_shape'], 'instances': instances}
        if not self.poly2mask:
            super()._load_masks(frame)
        else:
            height, width = results['ori_shape'][:2]
            runs = []
            for mask, instance in zip(
                self._process_masks(frame), instances, strict=True
            ):
                try:
                    runs.append(_run_lengths(mask, height, width))
                except ValueError as error:
                    raise ValueError(f'{_name(instance, results)}: {error}') from None
            frame['gt_masks'] = RunLengthMasks(runs, height, width)
        results['gt_masks'] = frame['gt_masks']
        results['gt_ignore_flags'] = frame['gt_ignore_flags']

    @staticmethod
    def _checked(instance: dict, results: dict) -> dict | list:
        """The mask in a form that mmdet's loader takes for one."""
        where = _name(instance, results)
        mask = instance.get('mask')
        if mask is None:
            raise ValueError(
                f'{where} has no mask: give the annotation a segmentation, or load '
                'with with_mask=False.'
            )
        if not isinstance(mask, dict):
            return mask
        size = tuple(results['ori_shape'][:2])
        if tuple(mask['size']) != size:
            raise ValueError(
                f'{where} has a mask of {mask["size"][0]}x{mask["size"][1]} (height x '
                f'width), the frame is {size[0]}x{size[1]}: correct the annotation.'
            )
        if isinstance(mask['counts'], bytes):
            return {**mask, 'counts': mask['counts'].decode('ascii')}
        return mask


def _name(instance: dict, results: dict) -> str:
    number, path = instance.get('instance_id', '?'), results.get('img_path', '?')
    return f'Instance {number} in frame {path}'


def _run_lengths(mask: dict | list, height: int, width: int) -> np.ndarray:
    """Run lengths of an RLE, or of the union of polygons, that fill the frame."""
    if isinstance(mask, list):
        polygons = mask_utils.frPyObjects(mask, height, width)
        counts = unpack_counts(mask_utils.merge(polygons))
    elif isinstance(mask['counts'], list):
        counts = np.asarray(mask['counts'], dtype=np.int64)
    else:
        counts = unpack_counts(mask)
    check_runs(counts, height, width)
    return counts
