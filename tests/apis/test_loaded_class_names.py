"""Names and ids of classes are those that the weights were trained with."""

import pytest
from mmengine.config import Config

from mmvis.apis.loading import _classes

CONFIG = Config(
    dict(
        test_dataloader=dict(
            dataset=dict(metainfo=dict(classes=('x', 'y'), category_ids=(7, 9)))
        )
    )
)


@pytest.mark.parametrize(
    ('meta', 'wanted'),
    [
        (dict(dataset_meta=dict(classes=('a', 'b'))), (('a', 'b'), None)),
        (dict(CLASSES=['a', 'b']), (('a', 'b'), None)),  # of mmdet 2
        (dict(CLASSES='a'), (('a',), None)),  # of mmdet 2, with one class
        (
            dict(dataset_meta=dict(CLASSES=('a', 'b'), category_ids=[3, 1])),
            (('a', 'b'), (3, 1)),
        ),
        (dict(epoch=3), (('x', 'y'), (7, 9))),
        (None, (('x', 'y'), (7, 9))),
    ],
)
def test_the_checkpoint_comes_before_the_config(meta, wanted):
    assert _classes(dict(meta=meta), CONFIG) == wanted
    assert _classes({}, Config({})) == (None, None)
