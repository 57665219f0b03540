"""The formats that can be written, by the names that commands take."""

WRITERS = {
    'youtube-vis': 'one json, run lengths as lists, as the official files have them',
    'coco': 'one json of images and annotations with instance_id',
    'mots': 'a folder: a txt a video, labels.txt',
    'davis': 'a folder: palette PNGs, categories.json',
    'labelme': 'a folder: a json a frame; masks, or --polygons',
    'fiftyone': 'data set NAME of FiftyOne, by that package; --frames or --video',
    'cvat': 'NAME.xml for one video, else a folder; masks, or --polygons (tracks)',
}
