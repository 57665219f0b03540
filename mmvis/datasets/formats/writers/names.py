"""The formats that can be written, by the names that commands take."""

WRITERS = {
    'youtube-vis': 'one json, run lengths as lists, as the official files have them',
    'coco': 'one json of images and annotations with instance_id',
    'mots': 'a folder: a txt a video, labels.txt',
    'davis': 'a folder: palette PNGs, categories.json',
    'labelme': 'a folder: a json a frame, masks as shapes',
    'cvat': 'CVAT for video 1.1: NAME.xml for one video, else a folder of them',
}
