"""Videos and contact sheets of whole annotation or results files."""

import os
from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from ..structures.annotation_file import VISAnnotations, read_annotation_file
from .contact_sheet import (
    SheetRow,
    cell_scale,
    contact_sheet,
    evenly_spaced,
    letter_size,
)
from .draw import display_scale, draw_tracks
from .letterbox import letterbox
from .matched_colours import colour_by_objects
from .text import paste, shorten_to_width, text_patch
from .video_tracks import (
    DrawnTrack,
    choose_videos,
    file_stem,
    ground_truth_tracks,
    instances_at,
    read_frame,
    result_tracks,
    video_name,
)
from .video_writer import Mp4Writer

Strips = dict[str, dict[int, list[DrawnTrack]]]

# OpenCV's own settings make a PNG of enlarged pixels three times as large.
_IMAGE_SETTINGS = {
    cv2.IMWRITE_PNG_STRATEGY: cv2.IMWRITE_PNG_STRATEGY_DEFAULT,
    cv2.IMWRITE_PNG_COMPRESSION: 6,
    cv2.IMWRITE_JPEG_QUALITY: 90,
}


def render_frame(
    image: np.ndarray,
    tracks: Sequence[DrawnTrack],
    frame: int,
    class_names: Sequence[str],
    *,
    scale: int = 1,
    font_size: int | None = None,
    boxes: bool = False,
) -> np.ndarray:
    """Draw the tracks that are visible in a frame; see :func:`draw_tracks`."""
    visible = list(instances_at(tracks, frame))
    scores = [track.score for track, _ in visible if track.score is not None]
    return draw_tracks(
        image,
        [rle for _, rle in visible],
        [track.track_id for track, _ in visible],
        [track.label for track, _ in visible],
        scores if len(scores) == len(visible) else None,
        class_names,
        scale=scale,
        font_size=font_size,
        boxes=boxes,
        colour_ids=[track.colour for track, _ in visible],
    )


class VideoRenderer:
    """Draws the videos of an annotation file with one or more sets of tracks.

    Args:
        annotations (VISAnnotations): Gives the videos and the names of the categories.
        image_root (str): Folder that the ``file_names`` are relative to.
        strips (dict[str, dict[int, list[DrawnTrack]]]): Caption -> video id -> tracks.
            Two of them ('ground truth', 'prediction') are shown side by side.
        boxes (bool): Whether to draw boxes too.
    """

    def __init__(
        self,
        annotations: VISAnnotations,
        image_root: str,
        strips: Strips,
        boxes: bool = False,
    ) -> None:
        self.annotations = annotations
        self.image_root = image_root
        self.strips = strips
        self.boxes = boxes
        self.class_names = [cat['name'] for cat in annotations.categories]

    def frames(self, video: dict) -> Iterator[np.ndarray]:
        """Frames of one video at display size, strips side by side."""
        for frame in range(len(video['file_names'])):
            drawn = self._draw(video, frame)
            if len(drawn) > 1:
                drawn = [
                    _with_caption(image, caption)
                    for image, caption in zip(drawn, self.strips, strict=True)
                ]
            yield np.hstack(drawn)

    def sheet_row(
        self, video: dict, count: int, cell_width: int, letters: int
    ) -> SheetRow:
        """Evenly spaced frames, with letters of a size in px once in their cells."""
        moments = evenly_spaced(len(video['file_names']), count)
        drawn = [self._draw(video, t, (cell_width, letters)) for t in moments]
        strips = {
            caption: [images[i] for images in drawn]
            for i, caption in enumerate(self.strips)
        }
        title = f'{video_name(video)}  (id {video["id"]}, {len(video["file_names"])} '
        title += f'frames, {video["width"]} x {video["height"]}'
        attributes = ', '.join(str(a) for a in video.get('attributes') or ())
        title += f'; {attributes})' if attributes else ')'
        return SheetRow(title, strips, [f'frame {t}' for t in moments])

    def write_sheet(
        self, videos: Sequence[dict], path: str, columns: int = 4, cell_width: int = 320
    ) -> None:
        """Write a contact sheet (.png or .jpg) of the videos that have frames.

        Each gets a line of ``columns`` frames, a single video three.
        """
        videos = [video for video in videos if video['length']]
        count = columns if len(videos) > 1 else 3 * columns
        # No column wider than its frames are once enlarged by an integer.
        widths = [read_frame(self.image_root, v, 0).shape[1] for v in videos]
        shown = [w * max(1, cell_width // w) for w in widths]
        cell_width = min(cell_width, max(shown, default=cell_width))
        columns = min(columns, max((v['length'] for v in videos), default=columns))
        letters = letter_size(columns, cell_width)
        rows = [self.sheet_row(v, count, cell_width, letters) for v in videos]
        _write_image(path, contact_sheet(rows, cell_width, columns))

    def write_mp4(self, video: dict, path: str, fps: float) -> None:
        """Write one video at its own (enlarged) size."""
        with Mp4Writer(path, fps) as writer:
            for image in self.frames(video):
                size = writer.frame_size or (image.shape[1], image.shape[0])
                writer.write(letterbox(image, *size))

    def write_pngs(self, video: dict, folder: str) -> None:
        """Write one video's frames as 00000.png, 00001.png, ..."""
        for index, image in enumerate(self.frames(video)):
            _write_image(os.path.join(folder, f'{index:05d}.png'), image)

    def write_joined_mp4(self, videos: Sequence[dict], path: str, fps: float) -> None:
        """Write all videos one after another into one mp4.

        They are letterboxed to the size of the largest; a caption line above says which
        video and frame is seen.
        """
        sizes = [self._display_size(video) for video in videos if video['length']]
        if not sizes:
            raise ValueError('none of the videos has a frame: nothing to write.')
        width, height = (max(side) for side in zip(*sizes, strict=True))
        with Mp4Writer(path, fps) as writer:
            for video in videos:
                for index, image in enumerate(self.frames(video), start=1):
                    caption = f'{video_name(video)}   {index}/{video["length"]}'
                    writer.write(_captioned(image, width, height, caption))

    def _draw(
        self, video: dict, frame: int, cell: tuple[int, int] | None = None
    ) -> list[np.ndarray]:
        """A frame with each strip's tracks, for a cell (width, letters) of a sheet."""
        image = read_frame(self.image_root, video, frame)
        if cell is not None:
            scale, font_size = cell_scale(image.shape, *cell)
        else:
            scale, font_size = display_scale(image.shape[1]), None
        try:
            return [
                render_frame(
                    image,
                    tracks.get(video['id'], ()),
                    frame,
                    self.class_names,
                    scale=scale,
                    font_size=font_size,
                    boxes=self.boxes,
                )
                for tracks in self.strips.values()
            ]
        except ValueError as error:
            name = os.path.join(self.image_root, video['file_names'][frame])
            raise ValueError(f'{name} (video {video["id"]}): {error}') from error

    def _display_size(self, video: dict) -> tuple[int, int]:
        height, width = read_frame(self.image_root, video, 0).shape[:2]
        scale = display_scale(width)
        return width * scale * len(self.strips), height * scale


def render_results(
    annotation_file: str,
    image_root: str,
    out: str,
    results: str | None = None,
    *,
    compare: bool = False,
    score_thr: float = 0.3,
    top_k: int = 10,
    videos: Sequence[str] | None = None,
    max_videos: int | None = None,
    fps: float = 6.0,
    sheet: str | None = None,
    columns: int = 4,
    cell_width: int = 320,
    boxes: bool = False,
) -> list[str]:
    """Draw a results.json (or the ground truth) over the videos of an annotation file.

    Args:
        annotation_file (str): YouTube-VIS json.
        image_root (str): Folder that its ``file_names`` are relative to.
        out (str): ``something.mp4`` for all videos in one file, else a folder for one
            mp4 a video.
        results (str, optional): A results.json; without it the ground truth is drawn.
        compare (bool): Ground truth on the left, prediction on the right, where a track
            has the colour of the object that it matches best; see
            :func:`colour_by_objects`.
        score_thr (float): Tracks with a lower score are left out.
        top_k (int): At most so many tracks a video.
        videos (Sequence[str], optional): Ids or names of the wanted videos.
        max_videos (int, optional): Only the first so many.
        fps (float): Frames a second of the mp4s.
        sheet (str, optional): Where to write a contact sheet; by default
            ``contact_sheet.png`` in the folder, or ``something.png`` beside the mp4. A
            ``.jpg`` takes a fraction of the bytes.
        columns (int): Frames in a line of the sheet.
        cell_width (int): Width of such a frame on the sheet in px, at most.
        boxes (bool): Whether to draw boxes too.

    Returns:
        list[str]: Paths of the files written.

    Raises:
        ValueError, FileNotFoundError: One sentence about the file or video at fault.
    """
    annotations = read_annotation_file(annotation_file)
    strips: Strips = {}
    if results is None or compare:
        strips['ground truth'] = ground_truth_tracks(annotations)
    if results is not None:
        strips['prediction'] = result_tracks(results, annotations, score_thr, top_k)
    chosen = choose_videos(annotations, videos, max_videos)
    chosen = [video for video in chosen if video['length']]
    if not chosen:
        raise ValueError(f'{annotation_file}: no video with a frame: nothing to draw.')
    if len(strips) == 2:
        objects, found = strips.values()
        for video_id in (video['id'] for video in chosen):
            found[video_id] = colour_by_objects(found[video_id], objects[video_id])
    renderer = VideoRenderer(annotations, image_root, strips, boxes)
    if out.lower().endswith('.mp4'):
        renderer.write_joined_mp4(chosen, out, fps)
        written = [out]
        sheet = sheet or out[:-4] + '.png'
    else:
        written = [os.path.join(out, f'{file_stem(video)}.mp4') for video in chosen]
        for video, path in zip(chosen, written, strict=True):
            renderer.write_mp4(video, path, fps)
        sheet = sheet or os.path.join(out, 'contact_sheet.png')
    renderer.write_sheet(chosen, sheet, columns, cell_width)
    return [*written, sheet]


def _with_caption(image: np.ndarray, caption: str) -> np.ndarray:
    image = image.copy()
    patch = text_patch(caption, 14, (255, 255, 255), (40, 40, 40))
    paste(image, patch, (image.shape[1] - patch.shape[1]) // 2, 0)
    return image


def _captioned(
    image: np.ndarray, width: int, height: int, caption: str, bar: int = 24
) -> np.ndarray:
    page = np.full((height + bar, width, 3), 24, np.uint8)
    text = shorten_to_width(caption, 15, width - 8)
    paste(page, text_patch(text, 15, (235, 235, 235), (24, 24, 24)), 4, 2)
    page[bar:] = letterbox(image, width, height)
    return page


def _write_image(path: str, image: np.ndarray) -> None:
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    if not cv2.imwrite(
        path, image, [n for pair in _IMAGE_SETTINGS.items() for n in pair]
    ):
        raise OSError(f'{path} cannot be written as an image.')
