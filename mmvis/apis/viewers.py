"""Tracks watched while they are found: in a browser of this machine, or a window."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cv2
import numpy as np

from mmvis.structures.frame_result import FrameResult
from mmvis.visualization.draw import display_scale, draw_tracks

_DISPLAYS = ('DISPLAY', 'WAYLAND_DISPLAY')
_HOST = '127.0.0.1'
_PAGE = b"""<!doctype html><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>mmvis</title>
<style>body { margin: 0; background: #111; } img { display: block; margin: auto;
max-width: 100vw; max-height: 100vh; }</style><img src="/stream" alt="tracks, live">
"""
_QUALITY = 80
# Can be resized; has no buttons of Qt's.
_WINDOW = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
# Of a window as it opens, px.
_LONGEST_SIDE = 1280
# So long a viewer waits for the next frame before it looks whether all is over.
_PATIENCE = 0.5


class Viewer:
    """Is shown frames with their tracks, as they come."""

    def write(self, image: np.ndarray, result: FrameResult) -> None:
        """Show the next frame (h, w, 3) uint8 BGR."""

    def close(self) -> None:
        """All is over."""


def drawn(image: np.ndarray, result: FrameResult) -> np.ndarray:
    """The frame with its tracks."""
    return draw_tracks(
        image,
        *(result.rles, result.ids, result.labels, result.scores, result.class_names),
        scale=display_scale(image.shape[1]),
    )


class LivePage(Viewer):
    """A page of this machine alone that shows the latest frame, as MJPEG.

    Whoever is slow misses frames; the video does not wait. Without a visitor nothing is
    drawn.

    Args:
        port (int): 0: any that is free.

    Attributes:
        address (str): Of the page.

    Raises:
        ValueError: The port cannot be had.
    """

    def __init__(self, port: int) -> None:
        self._new = threading.Condition()
        self._jpeg: bytes | None = None
        self._number = 0
        self._visitors = 0
        self._over = False
        page = self

        class Handler(_Handler):
            live = page

        try:
            self._server = ThreadingHTTPServer((_HOST, port), Handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, 'strerror', None) or error
            raise ValueError(
                f'Port {port} of this machine cannot be had ({reason}): take another.'
            ) from None
        self._server.daemon_threads = True
        self.address = f'http://{_HOST}:{self._server.server_address[1]}'
        threading.Thread(
            target=self._server.serve_forever, name='mmvis-page', daemon=True
        ).start()

    def write(self, image: np.ndarray, result: FrameResult) -> None:
        if not self._visitors:
            return
        quality = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
        _, data = cv2.imencode('.jpg', drawn(image, result), quality)
        with self._new:
            self._jpeg = data.tobytes()
            self._number += 1
            self._new.notify_all()

    def close(self) -> None:
        with self._new:
            self._over = True
            self._new.notify_all()
        self._server.shutdown()
        self._server.server_close()

    @contextmanager
    def visit(self) -> Iterator[Iterator[bytes]]:
        """The frames from now on, as JPEGs."""
        with self._new:
            self._visitors += 1
        try:
            yield self._frames()
        finally:
            with self._new:
                self._visitors -= 1

    def _frames(self) -> Iterator[bytes]:
        shown = self._number
        while True:
            with self._new:
                while self._number == shown and not self._over:
                    self._new.wait(_PATIENCE)
                if self._number == shown:
                    return
                shown, jpeg = self._number, self._jpeg
            assert jpeg is not None  # there has been a frame
            yield jpeg


class _Handler(BaseHTTPRequestHandler):
    """``/`` is the page, ``/stream`` its frames."""

    live: LivePage

    def do_GET(self) -> None:
        # A page of elsewhere whose name leads here is not answered.
        host = (self.headers.get('Host') or '').rpartition(':')[0]
        if host not in (_HOST, 'localhost'):
            self.send_error(403)
        elif self.path == '/':
            self.send_response(200)
            self.send_header('Content-Type', 'text/html; charset=utf-8')
            self.send_header('Content-Length', str(len(_PAGE)))
            self.end_headers()
            self.wfile.write(_PAGE)
        elif self.path == '/stream':
            self._stream()
        else:
            self.send_error(404)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header('Cache-Control', 'no-store')
        self.send_header('Content-Type', 'multipart/x-mixed-replace; boundary=frame')
        self.end_headers()
        try:
            with self.live.visit() as frames:
                for jpeg in frames:
                    head = f'Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}'
                    self.wfile.write(b'--frame\r\n' + head.encode() + b'\r\n\r\n')
                    self.wfile.write(jpeg + b'\r\n')
        except (BrokenPipeError, ConnectionResetError):
            pass  # the visitor left

    def log_message(self, *args: Any) -> None:
        """Nothing: the terminal is the progress bar's."""


class LiveWindow(Viewer):
    """A window; q, Esc or closing it ends the run as ctrl-C does.

    Raises:
        ValueError: There is no display, or this OpenCV has no windows.
    """

    def __init__(self, title: str = 'mmvis') -> None:
        self._title, self._began = title, False
        # GTK's windows never tell whether they are open.
        self._tells = False
        # Without a display Qt would end the process.
        shown = sys.platform != 'linux' or any(map(os.environ.get, _DISPLAYS))
        try:
            if shown:
                cv2.namedWindow(title, _WINDOW)
        except cv2.error:
            shown = False
        if not shown:
            raise ValueError(
                'No window can be shown: there is no display, or this OpenCV is a '
                'headless one. --serve PORT shows the same in a browser.'
            )

    def write(self, image: np.ndarray, result: FrameResult) -> None:
        height, width = image.shape[:2]
        if not self._began:  # else it is as small as the toolkit likes
            ratio = min(1.0, _LONGEST_SIDE / max(height, width))
            cv2.resizeWindow(self._title, round(width * ratio), round(height * ratio))
            self._began = True
        elif self._tells and not self._is_open():
            raise KeyboardInterrupt  # it was closed, and would be opened again
        cv2.imshow(self._title, drawn(image, result))
        if cv2.waitKey(1) & 0xFF in (ord('q'), 27):
            raise KeyboardInterrupt
        self._tells = self._tells or self._is_open()

    def _is_open(self) -> bool:
        try:
            return cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1
        except cv2.error:  # Qt's, after the last window was closed
            return False

    def close(self) -> None:
        with suppress(cv2.error):  # it was closed
            cv2.destroyWindow(self._title)
