"""Senders of live video on this machine alone: over UDP, and by RTSP."""

from __future__ import annotations

import itertools
import math
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

HOST = '127.0.0.1'
# Seven packets of a transport stream, as is usual in a datagram.
_PIECE = 7 * 188
_SDP = (
    'v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=test\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n'
    'm=video 0 RTP/AVP 33\r\na=control:track0\r\n'
)


def transport_stream(path: Path, frames: Sequence[np.ndarray]) -> bytes:
    """Frames as an MPEG transport stream of H.264, each of them a key frame."""
    import av

    with av.open(str(path), 'w', format='mpegts') as container:
        stream = container.add_stream('libx264', rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = 'yuv420p'
        stream.options = {'tune': 'zerolatency', 'g': '1'}
        for frame in frames:
            image = av.VideoFrame.from_ndarray(frame, 'bgr24')
            container.mux(stream.encode(image))
        container.mux(stream.encode())
    return path.read_bytes()


def _pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), _PIECE):
        yield data[start : start + _PIECE]


@contextmanager
def udp_sender(data: bytes, turns: float = math.inf) -> Iterator[str]:
    """Send a stream again and again, or so often; the address that it is sent to.

    Then it is silent: over UDP nothing says that a sender is gone.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind((HOST, 0))
        port = found.getsockname()[1]
    over = threading.Event()

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for turn in itertools.count():
                if over.is_set() or turn >= turns:
                    return
                for piece in _pieces(data):
                    out.sendto(piece, (HOST, port))
                    time.sleep(0.002)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    try:
        yield f'udp://{HOST}:{port}'
    finally:
        over.set()
        thread.join()


class _Rtsp(socketserver.StreamRequestHandler):
    """As much of RFC 2326 as a client asks for; RTP goes through the same socket."""

    def handle(self) -> None:
        while words := self.rfile.readline().decode().split():
            method, address = words[:2]
            lines = iter(lambda: self.rfile.readline().decode().strip(), '')
            headers = dict(line.lower().split(': ', 1) for line in lines)
            self.server.asked.append(method)
            if method == 'DESCRIBE':
                more = f'Content-Base: {address}/\r\nContent-Type: application/sdp\r\n'
                self._answer(headers, more, _SDP)
            elif method == 'SETUP':
                more = 'Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n'
                self._answer(headers, f'{more}Session: 1\r\n')
            else:
                self._answer(headers, 'Session: 1\r\nPublic: DESCRIBE, SETUP, PLAY\r\n')
            if method == 'PLAY':
                self._play()
                return

    def _answer(self, headers: dict[str, str], more: str, body: str = '') -> None:
        head = f'RTSP/1.0 200 OK\r\nCSeq: {headers["cseq"]}\r\n{more}'
        length = f'Content-Length: {len(body)}\r\n' if body else ''
        self.wfile.write(f'{head}{length}\r\n{body}'.encode())

    def _play(self) -> None:
        lots = self.server.lots
        for number, piece in enumerate(_pieces(lots.pop(0) if lots else b'')):
            packet = struct.pack('>BBHII', 0x80, 33, number, number * 900, 7) + piece
            self.wfile.write(struct.pack('>cBH', b'$', 0, len(packet)) + packet)


class RtspServer(socketserver.ThreadingTCPServer):
    """Each client gets the next of some streams, and is left at its end.

    Attributes:
        lots (list[bytes]): Transport streams.
        asked (list[str]): What clients asked for.
        address (str): Of the stream.
    """

    daemon_threads = True

    def __init__(self, lots: list[bytes]) -> None:
        super().__init__((HOST, 0), _Rtsp)
        self.lots, self.asked = lots, []
        self.address = f'rtsp://{HOST}:{self.server_address[1]}/live'


@contextmanager
def rtsp_server(lots: list[bytes]) -> Iterator[RtspServer]:
    """A server while it is needed."""
    with RtspServer(lots) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
