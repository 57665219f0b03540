"""File names of frames: how they are spelled, and links that lead them astray.

A name without ".." can still leave its folder where a part of it is a symbolic link.
The folder itself, or one above it, may be a link: that is how sets are usually put in
place. Set MMVIS_FOLLOW_LINKS=1 for a folder whose inner links you made yourself.
"""

import os
from collections.abc import Iterable

from .annotation_checks import refuse

_ANYWHERE = 'MMVIS_FOLLOW_LINKS'


def native_name(name: str) -> str:
    """A file name from the json as Python has to spell it to open the file.

    Names on disk are UTF-8 bytes. Under a locale of another encoding (LC_ALL=C without
    Python's UTF-8 mode) the plain name could not be opened.
    """
    return os.fsdecode(name.encode('utf-8', 'surrogateescape'))


def json_name(name: str) -> str:
    """A file name that Python found on disk as a json has it: UTF-8."""
    return os.fsencode(name).decode('utf-8', 'surrogateescape')


def outside_target(folder: str, name: str) -> str | None:
    """Where a name leads if that is outside of its folder, else None.

    Args:
        folder: that the name is relative to.
        name: without "..", as in the json.
    """
    if os.environ.get(_ANYWHERE):
        return None
    root = os.path.realpath(folder)
    target = os.path.realpath(os.path.join(root, native_name(name)))
    inside = target == root or target.startswith(root.rstrip(os.sep) + os.sep)
    return None if inside else target


class OutsideLinks:
    """``outside_target`` for many names of a folder.

    Each folder is listed once, and where there are no links nothing else is asked of
    the disk. What is not there leads nowhere; reading it is another error.

    Args:
        folder: that the names are relative to.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder or os.curdir
        self._links: dict[str, frozenset[str]] = {}
        self._below_link: dict[str, bool] = {'': False}

    def target(self, name: str) -> str | None:
        """Where a name leads if that is outside of the folder, else None."""
        inner, file = os.path.split(name)
        links = self._links_in(inner)
        if file in links or self._below_link[inner]:
            return outside_target(self.folder, name)
        return None

    def _links_in(self, inner: str) -> frozenset[str]:
        links = self._links.get(inner)
        if links is None:
            links = _listed_links(os.path.join(self.folder, native_name(inner)))
            self._links[inner] = links
            if inner:
                parent, last = os.path.split(inner)
                is_link = last in self._links_in(parent)
                self._below_link[inner] = is_link or self._below_link[parent]
        return links


def _listed_links(folder: str) -> frozenset[str]:
    """The symbolic links in a folder, spelled as in a json."""
    try:
        with os.scandir(folder) as entries:
            links = [entry.name for entry in entries if entry.is_symlink()]
    except OSError:
        return frozenset()
    return frozenset(json_name(name) for name in links)


def refuse_outside_links(path: str, folder: str, videos: Iterable[dict]) -> None:
    """Refuse videos whose frames lie outside of their folder by a link.

    Args:
        path: the annotation file, for the message.
        folder: that the file names are relative to.
        videos: checked records of the file.

    Raises:
        ValueError: with the file, video and frame.
    """
    links = OutsideLinks(folder)
    for video in videos:
        for frame, name in enumerate(video['file_names']):
            target = links.target(name)
            if target is not None:
                place = f'video {video["id"]!r}, frame {frame}'
                refuse(path, f'{place}: {link_message(name, folder, target)}')


def link_message(name: str, folder: str, target: str) -> str:
    """What is wrong with a name that leads to ``target``, and what to do."""
    return (
        f"a link leads '{name}' out of the folder of frames '{folder}', to '{target}'; "
        f'{_ANYWHERE}=1 allows links that you made yourself'
    )
