"""Which COCO categories are which YouTube-VIS categories.

Keys are COCO's names, values the names of the YouTube-VIS annotation files. A pair is
listed where the two words name the same things; the other COCO categories are dropped
when training for YouTube-VIS. What is left out on purpose:

* ``mouse``: COCO's is a computer mouse, YouTube-VIS's an animal.
* ``bicycle`` and ``skis``: public conversions call them motorbike and snowboard; they
  are other things, and a detector would learn them as such.
* ``bird`` in the 2019 list, which has no such category: its duck, eagle, owl and parrot
  are kinds of birds, and COCO does not say which kind a bird is.
* ``sheep`` and ``bus``: neither list has them (deer and truck are other things).
* ``teddy bear``: a toy.

InstanceFlow pre-trains on "overlapped 20 categories" of COCO without naming them; by
name there are 19 for the 2019 list. To add or drop one, pass a dict to
CocoPseudoVideoDataset.
"""

_IN_BOTH_LISTS = {
    'person': 'person',
    'motorcycle': 'motorbike',
    'airplane': 'airplane',
    'train': 'train',
    'truck': 'truck',
    'boat': 'boat',
    'cat': 'cat',
    'dog': 'dog',
    'horse': 'horse',
    'cow': 'cow',
    'elephant': 'elephant',
    'bear': 'bear',
    'zebra': 'zebra',
    'giraffe': 'giraffe',
    'snowboard': 'snowboard',
    'skateboard': 'skateboard',
    'surfboard': 'surfboard',
    'tennis racket': 'tennis_racket',
}

# The 2019 list has no car but a sedan, by far the most frequent kind of COCO's cars.
COCO_TO_YTVIS_2019 = {**_IN_BOTH_LISTS, 'car': 'sedan'}

# The 2021 list renamed sedan and merged the eagle and the owl into bird. It kept duck
# and parrot apart: some of COCO's birds are such and are learned as bird.
COCO_TO_YTVIS_2021 = {
    **_IN_BOTH_LISTS,
    'car': 'car',
    'bird': 'bird',
    'frisbee': 'flying_disc',
}
