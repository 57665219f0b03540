"""Category lists of the public sets, in the order of their category ids.

A config that trains on one set and tests on another names its list here; where a
config gives none, a dataset takes the categories of its annotation file.
"""

from collections import defaultdict

# fmt: off
YTVIS_2019_CLASSES = (
    'person', 'giant_panda', 'lizard', 'parrot', 'skateboard', 'sedan', 'ape',
    'dog', 'snake', 'monkey', 'hand', 'rabbit', 'duck', 'cat', 'cow', 'fish',
    'train', 'horse', 'turtle', 'bear', 'motorbike', 'giraffe', 'leopard', 'fox',
    'deer', 'owl', 'surfboard', 'airplane', 'truck', 'zebra', 'tiger', 'elephant',
    'snowboard', 'boat', 'shark', 'mouse', 'frog', 'eagle', 'earless_seal',
    'tennis_racket',
)
"""The 40 categories of YouTube-VIS 2019, in the order of its files."""
YTVIS_2021_CLASSES = (
    'airplane', 'bear', 'bird', 'boat', 'car', 'cat', 'cow', 'deer', 'dog', 'duck',
    'earless_seal', 'elephant', 'fish', 'flying_disc', 'fox', 'frog', 'giant_panda',
    'giraffe', 'horse', 'leopard', 'lizard', 'monkey', 'motorbike', 'mouse',
    'parrot', 'person', 'rabbit', 'shark', 'skateboard', 'snake', 'snowboard',
    'squirrel', 'surfboard', 'tennis_racket', 'tiger', 'train', 'truck', 'turtle',
    'whale', 'zebra',
)
"""The 40 categories of YouTube-VIS 2021, in the order of its files."""
OVIS_CLASSES = (
    'Person', 'Bird', 'Cat', 'Dog', 'Horse', 'Sheep', 'Cow', 'Elephant', 'Bear',
    'Zebra', 'Giraffe', 'Poultry', 'Giant_panda', 'Lizard', 'Parrot', 'Monkey',
    'Rabbit', 'Tiger', 'Fish', 'Turtle', 'Bicycle', 'Motorcycle', 'Airplane',
    'Boat', 'Vehicle',
)
"""The 25 categories of OVIS, in the order of its files."""
# fmt: on
YTVIS_2022_CLASSES = YTVIS_2021_CLASSES
"""Those of 2021: YouTube-VIS 2022 added long validation videos."""


def same_category(name: str) -> str:
    """The form in which two spellings of a category are compared.

    Files differ in case and in what stands between words: 'Giant_panda',
    'giant panda' and 'giant_panda' are one category.
    """
    return '_'.join(name.casefold().replace('-', ' ').replace('_', ' ').split())


def match_categories(
    ann_file: str, classes: tuple[str, ...], names: dict[str, int]
) -> list[int]:
    """The file's category ids in the order of ``classes``.

    Args:
        ann_file: named in errors.
        classes: names that the labels 0, 1, ... stand for.
        names: {name: category id} of the file.

    Raises:
        ValueError: the file lacks one of the classes, or two of them are the same.
    """
    folded = defaultdict(list)
    for name in names:
        folded[same_category(name)].append(name)
    ids, missing = [], []
    for name in classes:
        candidates = [name] if name in names else folded[same_category(name)]
        if len(candidates) == 1:
            ids.append(names[candidates[0]])
        else:
            missing.append(name)
    if missing:
        raise ValueError(
            f"'{ann_file}' has no category {', '.join(missing)}, which "
            f'metainfo["classes"] lists. It has: {", ".join(names) or "none"}. Results '
            'are written with its category ids, so each class needs one: give the '
            'classes of this file, or leave them out to take all.'
        )
    if len(set(ids)) < len(ids):
        raise ValueError(f'metainfo["classes"] lists a category twice: {classes}')
    return ids
