"""COCO images as videos of one frame, labelled with YouTube-VIS categories."""

from collections.abc import Mapping
from typing import Any

from mmvis.quiet_mmdet import quiet_mmdet
from mmvis.registry import DATASETS
from mmvis.structures.annotation_checks import unsafe_file_name
from mmvis.structures.frame_names import OutsideLinks, link_message

from .class_names import YTVIS_2019_CLASSES, YTVIS_2021_CLASSES, same_category
from .coco_overlap import COCO_TO_YTVIS_2019, COCO_TO_YTVIS_2021
from .sample_draws import DrawsByIndex

with quiet_mmdet():
    from mmdet.datasets import BaseVideoDataset, CocoDataset

_OVERLAPS = {
    'ytvis_2019': (YTVIS_2019_CLASSES, COCO_TO_YTVIS_2019),
    'ytvis_2021': (YTVIS_2021_CLASSES, COCO_TO_YTVIS_2021),
}


class _CocoReader(CocoDataset):
    """mmdet's reading of a COCO file, with the category's name kept as the label."""

    def load_data_list(self) -> list[dict]:
        self._links = OutsideLinks(self.data_prefix['img'])
        return super().load_data_list()

    def parse_data_info(self, raw_data_info: dict) -> dict:
        self._refuse_outside(raw_data_info['raw_img_info'])
        # CocoDataset numbers labels in the file's order of categories, whatever the
        # order of metainfo['classes']; it forgets the names after loading.
        data_info = super().parse_data_info(raw_data_info)
        names = [self.coco.cats[category]['name'] for category in self.cat_ids]
        for instance in data_info['instances']:
            instance['bbox_label'] = names[instance['bbox_label']]
        return data_info

    def _refuse_outside(self, image: dict) -> None:
        """Images are read from their folder only."""
        place, name = f"'{self.ann_file}': image {image['id']!r}", image['file_name']
        if unsafe_file_name(name):
            raise ValueError(
                f"{place}: '{name}' may lead out of the folder of images; names are "
                'relative, without ".." and no addresses.'
            )
        target = self._links.target(name)
        if target is not None:
            message = link_message(name, self._links.folder, target)
            raise ValueError(f'{place}: {message}.')


@DATASETS.register_module()
class CocoPseudoVideoDataset(DrawsByIndex, BaseVideoDataset):
    """One video of one frame per COCO image, for PseudoClip and for joint training.

    Reads a COCO file by mmdet's CocoDataset and maps its categories to the target's, so
    that labels are indices of the target's class list and the set can be concatenated
    with a video set of that list. Items have BaseVideoDataset's form: index with a
    video or (video, 0). Images without a target of a mapped category are left out.

    Args:
        overlap (str | Mapping[str, str]): 'ytvis_2019', 'ytvis_2021', or a dict from
            COCO's category names to names in ``metainfo['classes']``.
        metainfo (dict, optional): ``classes`` is the target's class list; by default
            that of ``overlap``.
        data_prefix (dict): ``img`` (as for CocoDataset) or ``img_path`` (as for video
            sets) is the folder of the images under ``data_root``.
        min_size (int): Least image side in pixels.
        **kwargs: As for mmengine's BaseDataset (ann_file, data_root, pipeline, ...).
    """

    def __init__(
        self,
        overlap: str | Mapping[str, str] = 'ytvis_2019',
        metainfo: dict | None = None,
        data_prefix: dict | None = None,
        min_size: int = 32,
        test_mode: bool = False,
        **kwargs: Any,
    ) -> None:
        if test_mode:
            raise ValueError(
                'CocoPseudoVideoDataset is for training only: its videos have one '
                'frame; test on a YouTubeVISDataset.'
            )
        metainfo = dict(metainfo or {})
        prefix = data_prefix or {}
        if isinstance(overlap, str):
            if overlap not in _OVERLAPS:
                raise ValueError(
                    f'overlap {overlap!r} is not known: use one of '
                    f'{sorted(_OVERLAPS)} or a dict of category names.'
                )
            classes, overlap = _OVERLAPS[overlap]
            metainfo.setdefault('classes', classes)
        self.overlap = dict(overlap)
        self.min_size = min_size
        known = {same_category(name) for name in metainfo.get('classes', ())}
        unknown = sorted(
            name for name in self.overlap.values() if same_category(name) not in known
        )
        if unknown:
            raise ValueError(
                f'overlap maps to {", ".join(unknown)}, which metainfo["classes"] does '
                'not list: give the class list that the names belong to.'
            )
        super().__init__(
            metainfo=metainfo,
            data_prefix={'img': prefix.get('img', prefix.get('img_path', ''))},
            test_mode=False,
            **kwargs,
        )

    def load_data_list(self) -> list[dict]:
        """Videos of one frame, with labels in the target's class list.

        Raises:
            ValueError: the file has none of the overlap's categories, or an image
                outside of its folder.
        """
        reader = _CocoReader(
            ann_file=self.ann_file,
            data_prefix=self.data_prefix,  # full paths: this dataset joined them
            metainfo={'classes': tuple(self.overlap)},
            pipeline=[],
            serialize_data=False,
            backend_args=self.backend_args,
        )
        if not reader.cat_ids:
            raise ValueError(
                f'{self.ann_file} has none of the categories '
                f'{", ".join(self.overlap)}: check that it is a COCO instances file.'
            )
        index = {same_category(c): i for i, c in enumerate(self.metainfo['classes'])}
        label = {
            coco: index[same_category(name)] for coco, name in self.overlap.items()
        }
        return [self._to_video(info, label) for info in reader.data_list]

    def _to_video(self, info: dict, label: dict[str, int]) -> dict:
        # COCO's annotation ids do not tell objects of other images apart any better
        # than a count does, and those of crowds do not fit 32 bits.
        instances = [
            {
                **instance,
                'bbox_label': label[instance['bbox_label']],
                'instance_id': position,
            }
            for position, instance in enumerate(info['instances'], start=1)
            if 'mask' in instance
        ]
        image = {
            'img_path': info['img_path'],
            'img_id': info['img_id'],
            'frame_id': 0,
            'height': info['height'],
            'width': info['width'],
            'video_id': info['img_id'],
            'instances': instances,
        }
        return {
            'video_id': info['img_id'],
            'video_length': 1,
            'ori_video_length': 1,
            'images': [image],
        }

    def filter_data(self) -> list[dict]:
        """Videos with a target that is not ignored and no side under ``min_size``."""
        return [
            video
            for video in self.data_list
            if min(video['images'][0]['height'], video['images'][0]['width'])
            >= self.min_size
            and any(not i['ignore_flag'] for i in video['images'][0]['instances'])
        ]

    def get_len_per_video(self, idx: int) -> int:
        """1, without reading the item: samplers ask for every video."""
        return 1
