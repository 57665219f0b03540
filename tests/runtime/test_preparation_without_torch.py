"""Frames become the network's input as the pipeline of a config makes it."""

import numpy as np
import pytest
import video_models
from exported_models import loaded, pipeline

from mmvis.apis.video_session import Preparation as TorchPreparation
from mmvis.deploy.describing import preparation
from mmvis.deploy.networks import CannotExportError
from mmvis.runtime.preparation import Preparation


@pytest.fixture(scope='module')
def model():
    return video_models.stmask()


def image(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize('keep_ratio', [True, False])
@pytest.mark.parametrize('size', [(96, 160), (120, 90), (97, 201), (33, 50)])
def test_equals_the_pipeline(model, size, keep_ratio):
    steps = pipeline((150, 90), keep_ratio)
    frame = image(*size)
    expected, sample = TorchPreparation(steps, model)([frame], 0, 0)
    prepare = Preparation(preparation(steps, model.data_preprocessor))
    found, sizes = prepare(frame)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-6)
    assert sizes.content == tuple(sample[0].img_shape)
    assert sizes.padded == tuple(sample[0].batch_input_shape)


@pytest.mark.parametrize(
    ('frame', 'content'), [((90, 150), (90, 150)), ((150, 90), (90, 54))]
)
def test_a_fixed_size_fits_every_frame(model, frame, content):
    settings = preparation(pipeline((150, 90)), model.data_preprocessor)
    found, sizes = Preparation(settings, (90, 150))(image(*frame))
    assert found.shape == (1, 3, 96, 160)
    assert sizes.content == content
    assert not found[:, :, content[0] :].any() and not found[..., content[1] :].any()
    # By the config alone a portrait stays one.
    assert Preparation(settings, (90, 150)).as_configured(frame).content == frame


def test_a_step_that_the_runtime_has_not_is_refused(model):
    steps = [dict(type='RandomFlip'), *pipeline((150, 90))]
    given = loaded(model, steps)
    with pytest.raises(CannotExportError, match='RandomFlip'):
        preparation(given.pipeline, model.data_preprocessor)
