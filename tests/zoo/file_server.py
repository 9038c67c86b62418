"""A file server on the loopback address that misbehaves as told, and counts what it was asked for."""

import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONTENT = bytes(range(256)) * 2000  # 512,000 bytes: several blocks
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SIZE = len(CONTENT)


class FileServer(ThreadingHTTPServer):
    """Serves `content` at every path.

    `plan` says what to do with the requests in turn ("ok" once it is used up): "ok", "cut" (close the connection half
    way through), "reset" (close it before the answer), "short" (a shorter file, its length announced truly), "wrong"
    (as many other bytes), "shifted" (another range than the one asked for), "silent" (no answer for a second), "stall"
    (half, then no more), an int (that status) or a str that starts with "/" (redirect there).

    `ranges` False: ranges are ignored. `slow`: seconds a whole answer takes. `announce` False: no Content-Length.
    """

    daemon_threads = True

    def __init__(self, plan=(), ranges=True, slow=0.0, announce=True, content=CONTENT):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.plan, self.ranges, self.slow, self.announce = list(plan), ranges, slow, announce
        self.content = content
        self.requests = []  # (path, Range header or None)
        self.whole_answers = 0  # answers that sent the whole file to its end
        self.guard = threading.Lock()

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """A client that was killed is part of the test: no traceback."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        with server.guard:
            server.requests.append((self.path, self.headers.get("Range")))
            act = server.plan.pop(0) if server.plan else "ok"
        self.close_connection = True
        if isinstance(act, int):
            return self.answer(act, b"no")
        if act.startswith("/"):
            self.send_response(302)
            self.send_header("Location", act)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if act == "reset":
            return self.connection.close()
        if act == "silent":
            time.sleep(1)
        content = {"short": CONTENT[: SIZE // 3], "wrong": bytes(SIZE)}.get(act, server.content)
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and server.ranges else 0
        if start >= len(content):
            return self.answer(416, b"")
        if act == "shifted" and start:
            start += 1
        body = content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if server.announce:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if act in ("cut", "stall"):
            self.send(body[: len(body) // 2])
            return time.sleep(1) if act == "stall" else None
        self.send(body)
        if len(body) == len(server.content):
            with server.guard:
                server.whole_answers += 1

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send(self, body):
        pieces = 50 if self.server.slow else 1
        step = -(-len(body) // pieces)
        for begin in range(0, len(body), step):
            self.wfile.write(body[begin : begin + step])
            time.sleep(self.server.slow / pieces)
