"""Category lists of the public sets, in the order of their category ids.

A config that trains on one set and tests on another names its list here; where a
config gives none, a dataset takes the categories of its annotation file.
"""

# fmt: off
YTVIS_2019_CLASSES = (
    'person', 'giant_panda', 'lizard', 'parrot', 'skateboard', 'sedan', 'ape',
    'dog', 'snake', 'monkey', 'hand', 'rabbit', 'duck', 'cat', 'cow', 'fish',
    'train', 'horse', 'turtle', 'bear', 'motorbike', 'giraffe', 'leopard', 'fox',
    'deer', 'owl', 'surfboard', 'airplane', 'truck', 'zebra', 'tiger', 'elephant',
    'snowboard', 'boat', 'shark', 'mouse', 'frog', 'eagle', 'earless_seal',
    'tennis_racket',
)
YTVIS_2021_CLASSES = (
    'airplane', 'bear', 'bird', 'boat', 'car', 'cat', 'cow', 'deer', 'dog', 'duck',
    'earless_seal', 'elephant', 'fish', 'flying_disc', 'fox', 'frog', 'giant_panda',
    'giraffe', 'horse', 'leopard', 'lizard', 'monkey', 'motorbike', 'mouse',
    'parrot', 'person', 'rabbit', 'shark', 'skateboard', 'snake', 'snowboard',
    'squirrel', 'surfboard', 'tennis_racket', 'tiger', 'train', 'truck', 'turtle',
    'whale', 'zebra',
)
OVIS_CLASSES = (
    'Person', 'Bird', 'Cat', 'Dog', 'Horse', 'Sheep', 'Cow', 'Elephant', 'Bear',
    'Zebra', 'Giraffe', 'Poultry', 'Giant_panda', 'Lizard', 'Parrot', 'Monkey',
    'Rabbit', 'Tiger', 'Fish', 'Turtle', 'Bicycle', 'Motorcycle', 'Airplane',
    'Boat', 'Vehicle',
)
# fmt: on
# YouTube-VIS 2022 added long validation videos, with the categories of 2021.
YTVIS_2022_CLASSES = YTVIS_2021_CLASSES


def same_category(name: str) -> str:
    """The form in which two spellings of a category are compared.

    Files differ in case and in what stands between words: 'Giant_panda',
    'giant panda' and 'giant_panda' are one category.
    """
    return '_'.join(name.casefold().replace('-', ' ').replace('_', ' ').split())
