"""Frames of videos: those in folders, and those that a video file is taken into."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2

from mmvis.structures.frame_names import json_name, native_name

from ..converters.image_folders import common_size, folders_in, images_in

SUFFIXES = ('.jpg', '.jpeg', '.png', '.webp', '.bmp', '.tif', '.tiff')
_SPLITS = ('JPEGImages', 'images', 'frames', 'train', 'val', 'valid', 'test')
_JPEG = (cv2.IMWRITE_JPEG_QUALITY, 95)


def _folders_in(folder: Path) -> list[Path]:
    return [folder / name for name in folders_in(folder)] if folder.is_dir() else []


def _usual(folder: Path) -> list[Path]:
    """Where frames usually are below a folder."""
    images = folder / 'images'
    return [images, images / 'default', folder / 'JPEGImages', folder / 'frames']


@dataclass
class Frames:
    """Where the frames of a data set are.

    Args:
        root: folder that ``file_names`` are relative to; by default that of the source.
        clips: video files to take frames from; they go to ``<root>/<name>/``.
        spare: folder for frames that are taken out of video files or jsons, where the
            user named no root.
        notes: told of what was written.
    """

    root: Path
    clips: Sequence[Path] = ()
    spare: Path | None = None
    notes: list[str] = field(default_factory=list)

    def of_video(self, *names: str) -> list[str]:
        """File names of a video's frames, in natural order.

        They are those of the video file of that name (or of the only one), those in the
        folder of one of the names, or those that lie in the root itself.

        Args:
            *names: of the video, the likeliest first, with or without a suffix.

        Raises:
            FileNotFoundError: there are none; the message says where was looked.
        """
        stems = [Path(name.replace('\\', '/')).stem for name in names if name]
        clip = self._clip(stems)
        if clip is not None:
            return self._taken_apart(clip)
        for name in dict.fromkeys([*names, *stems]):
            if name and '..' not in name and (self.root / name).is_dir():
                found = self.in_folder(name)
                if found:
                    return found
        found = self.in_folder('')
        if not found:
            inner = [name for name in self._folders() if self.in_folder(name)]
            if len(inner) == 1:
                return self.in_folder(inner[0])
            raise FileNotFoundError(
                f"There are no frames of '{names[0]}' in '{self.root}': give the "
                'folder with --frames, or the video file with --video.'
            )
        return found

    def use_spare(self) -> None:
        """Put frames into a folder of their own, unless the user named the root."""
        if self.spare is not None:
            self.root, self.spare = self.spare, None

    def settle(self, name: str) -> None:
        """Find the folder that a file name is relative to, unless the user named it."""
        if self.spare is None:
            return
        above, file = self.root.parent, native_name(name)
        for folder in (self.root, above, *_usual(self.root), *_usual(above)):
            if (folder / file).is_file():
                self.root = folder
                return
        # Those of a split, as train/ beside the json or in a folder of all splits.
        inner = [f for root in (self.root, above) for f in _folders_in(root)]
        inner += [
            f
            for folder in tuple(inner)
            if folder.name in _SPLITS
            for f in _folders_in(folder)
        ]
        there = [f for f in inner if (f / file).is_file()]
        there = list({folder.resolve(): folder for folder in there}.values())
        if len(there) == 1:
            self.root = there[0]
            return
        if there:
            names = ' and '.join(f"'{folder}'" for folder in there)
            self.notes.append(
                f"frames '{name}' are in several folders, {names}: --frames names one."
            )
            return
        self.notes.append(
            f"there is no frame '{name}' in '{self.root}' or beside it: --frames names "
            'their folder.'
        )

    def in_folder(self, folder: str) -> list[str]:
        """File names of the images in a folder below the root."""
        if not (self.root / folder).is_dir():
            return []
        files = images_in(self.root / folder, SUFFIXES).values()
        return [json_name(f'{folder}/{name}' if folder else name) for name in files]

    def size(self, names: Sequence[str]) -> tuple[int, int]:
        """(height, width) of all these frames as they are displayed.

        Raises:
            ValueError: there are none, one cannot be read, or they differ.
        """
        return common_size([self.root / name for name in names])[0]

    def _folders(self) -> list[str]:
        return folders_in(self.root) if self.root.is_dir() else []

    def _clip(self, stems: Sequence[str]) -> Path | None:
        named = [clip for clip in self.clips if clip.stem in stems]
        if named:
            return named[0]
        return self.clips[0] if len(self.clips) == 1 else None

    def _taken_apart(self, clip: Path) -> list[str]:
        if not clip.is_file():
            raise FileNotFoundError(f"There is no video file '{clip}'.")
        folder = self.root / clip.stem
        if not self.in_folder(clip.stem):
            count = extract_frames(clip, folder)
            self.notes.append(f"{count} frames of '{clip}' are now in '{folder}'.")
        return self.in_folder(clip.stem)


def extract_frames(clip: Path, folder: Path) -> int:
    """Write all frames of a video file as ``00000.jpg`` and so on.

    The folder takes its name when all are there.

    Returns:
        How many there are.

    Raises:
        ValueError: it is no video that OpenCV can read, or a frame cannot be written.
    """
    part = folder.with_name(f'.{folder.name}.part')
    part.mkdir(parents=True, exist_ok=True)
    for name in os.listdir(part):
        (part / name).unlink()
    # Of 12:30:45.mp4 alone OpenCV would take 12 for a protocol.
    capture = cv2.VideoCapture(os.path.abspath(clip))
    count = 0
    try:
        while True:
            there, frame = capture.read()
            if not there:
                break
            _, data = cv2.imencode('.jpg', frame, _JPEG)
            (part / f'{count:05d}.jpg').write_bytes(data.tobytes())
            count += 1
    finally:
        capture.release()
    if not count:
        part.rmdir()
        raise ValueError(f"'{clip}' is no video that can be read.")
    if folder.is_dir():
        folder.rmdir()  # it has no images; anything else in it is an error
    part.rename(folder)
    return count
