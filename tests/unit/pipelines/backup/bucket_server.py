"""A small S3 server in memory for tests: objects by path, and ways to refuse.

It speaks what Arrow's client asks for: GET with ranges, HEAD, PUT, DELETE, a listing, and uploads
in parts. It lets in whom it knows by access key.
"""

from __future__ import annotations

import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

KEY, SECRET, NAME = "AKTEST", "very-secret", "kept"


class Server:
    """``with Server() as s3: s3.endpoint``. ``refusing``: None, or (status, S3's code)."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.parts: dict[str, dict[int, bytes]] = {}
        self.buckets = {NAME}
        self.refusing: tuple[int, str] | None = None
        self.refusing_reads = False
        self.most: int | None = None
        handler = type("Handler", (_Handler,), {"server_of": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Server:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer is one packet, or the client waits for the rest of it.
    wbufsize = 1 << 16
    disable_nagle_algorithm = True
    server_of: Server

    def handle_expect_100(self) -> bool:
        found = super().handle_expect_100()
        self.wfile.flush()
        return found

    def log_message(self, *words: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self._run(self._get)

    def do_HEAD(self) -> None:
        self._run(self._get)

    def do_PUT(self) -> None:
        self._run(self._put)

    def do_POST(self) -> None:
        self._run(self._post)

    def do_DELETE(self) -> None:
        self._run(self._delete)

    def _run(self, act: object) -> None:
        parts = urllib.parse.urlsplit(self.path)
        self.key = urllib.parse.unquote(parts.path).strip("/")
        self.query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        self.body = self._read()
        s3 = self.server_of
        writes = self.command in ("PUT", "POST", "DELETE")
        if f"Credential={KEY}/" not in self.headers.get("Authorization", ""):
            return self._refuse(403, "InvalidAccessKeyId")
        if s3.refusing and (writes or s3.refusing_reads):
            return self._refuse(*s3.refusing)
        if self.key.partition("/")[0] not in s3.buckets:
            return self._refuse(404, "NoSuchBucket")
        if s3.most is not None and writes and sum(map(len, s3.objects.values())) > s3.most:
            return self._refuse(507, "XMinioStorageFull")
        return act()  # type: ignore[operator]  # a bound method

    def _read(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "aws-chunked" in self.headers.get("Content-Encoding", ""):
            found, rest = b"", body
            while rest:
                head, _, rest = rest.partition(b"\r\n")
                size = int(head.split(b";")[0], 16)
                if not size:
                    break
                found, rest = found + rest[:size], rest[size + 2 :]
            return found
        return body

    def _get(self) -> None:
        if "list-type" in self.query:
            return self._list()
        if "/" not in self.key:
            return self._answer(200)
        found = self.server_of.objects.get(self.key)
        if found is None:
            return self._refuse(404, "NoSuchKey")
        span = self.headers.get("Range", "")
        if span and self.command == "GET":
            first, _, last = span.removeprefix("bytes=").partition("-")
            end = min(int(last) if last else len(found), len(found) - 1)
            head = {"Content-Range": f"bytes {first}-{end}/{len(found)}"}
            return self._answer(206, found[int(first) : end + 1], head)
        return self._answer(200, found)

    def _list(self) -> None:
        bucket, prefix = self.key, self.query.get("prefix", "")
        names = sorted(
            k.partition("/")[2]
            for k in self.server_of.objects
            if k.startswith(f"{bucket}/{prefix}")
        )
        if "delimiter" in self.query:
            names = [n for n in names if "/" not in n.removeprefix(prefix)] or names[:0]
        rows = "".join(
            f"<Contents><Key>{escape(n)}</Key><Size>{len(self.server_of.objects[f'{bucket}/{n}'])}"
            "</Size><LastModified>2026-11-21T00:00:00.000Z</LastModified></Contents>"
            for n in names[: int(self.query.get("max-keys", "1000000"))]
        )
        self._xml(
            f"<ListBucketResult><Name>{bucket}</Name><KeyCount>{len(names)}</KeyCount>"
            f"<IsTruncated>false</IsTruncated>{rows}</ListBucketResult>"
        )

    def _put(self) -> None:
        if "partNumber" in self.query:
            upload = self.server_of.parts[self.query["uploadId"]]
            upload[int(self.query["partNumber"])] = self.body
        else:
            self.server_of.objects[self.key] = self.body
        self._answer(200, b"", {"ETag": '"0"'})

    def _post(self) -> None:
        s3 = self.server_of
        if "delete" in self.query:
            return self._xml("<DeleteResult></DeleteResult>")
        if "uploads" in self.query:
            s3.parts[self.key] = {}
            inner = f"<Bucket>{NAME}</Bucket><Key>{escape(self.key)}</Key>"
            return self._xml(
                f"<InitiateMultipartUploadResult>{inner}<UploadId>{escape(self.key)}</UploadId>"
                "</InitiateMultipartUploadResult>"
            )
        found = s3.parts.pop(self.query["uploadId"])
        s3.objects[self.key] = b"".join(found[n] for n in sorted(found))
        return self._xml("<CompleteMultipartUploadResult></CompleteMultipartUploadResult>")

    def _delete(self) -> None:
        self.server_of.objects.pop(self.key, None)
        self._answer(204)

    def _xml(self, body: str) -> None:
        self._answer(200, f'<?xml version="1.0" encoding="UTF-8"?>{body}'.encode())

    def _refuse(self, status: int, code: str) -> None:
        text = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
        self._answer(status, text.encode())

    def _answer(self, status: int, body: bytes = b"", head: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", "Sat, 21 Nov 2026 00:00:00 GMT")
        self.send_header("Content-Type", "application/xml")
        for name, value in (head or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
