"""One file over HTTP, from a server that may hang, lie or send somewhere else.

Certificates are verified; what was asked for by https is not taken from anywhere else; and a server
that sends a byte now and then is given up like one that sends none.
"""

from __future__ import annotations

import http.client
import io
import ssl
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import urlsplit

from ..data.terminal import is_terminal
from .dataset import Part

BLOCK = 2**16  # bytes of a file at a time
MOST = 8 * BLOCK  # bytes received for a head or a block, which may come in chunks of a byte
LONGEST = 2**32  # bytes of a file whose size is not known; no data set has half of it
SLOWEST = 1000  # bytes a second; a modem is five times as fast
RETRIED = 408, 429  # request timeout, too many requests; and 500 and above
PASSING = (
    urllib.error.URLError,
    TimeoutError,
    ConnectionError,
    http.client.HTTPException,
    ssl.SSLError,
)


@dataclass(frozen=True)
class Connection:
    """How to fetch.

    base_url  a mirror, such as "http://localhost:8000", that takes the place of scheme and host
    timeout   seconds without a byte, or with less than SLOWEST bytes in each, until one gives up
    attempts  how often a file is tried when the network is at fault
    pause     seconds before the second attempt, doubled for each further one
    progress  whether a terminal shows a progress bar (on stderr)
    """

    base_url: str | None = None
    timeout: float = 30.0
    attempts: int = 4
    pause: float = 1.0
    progress: bool = True

    def __post_init__(self) -> None:
        if self.base_url is not None and not self.base_url.startswith(("http://", "https://")):
            raise ValueError(f"base_url must start with http:// or https://, got {self.base_url!r}")
        if self.attempts < 1:
            raise ValueError(f"attempts must be at least 1, got {self.attempts}")

    def url(self, part: Part) -> str:
        if self.base_url is None:
            return part.path
        return self.base_url.rstrip("/") + urlsplit(part.path).path

    def receive(self, part: Part, file: BinaryIO) -> None:
        """Write a part to a new file, in as many attempts as are allowed."""
        for attempt in range(1, self.attempts + 1):
            try:
                return self._receive(part, file)
            except PASSING as error:
                if isinstance(error, urllib.error.HTTPError):
                    error.close()
                if not passes(error) or attempt == self.attempts:
                    raise
                time.sleep(self.pause * 2 ** (attempt - 1))
            except (ValueError, OverflowError) as error:  # urllib lets them pass
                raise OSError(f"the address or the answer is not valid HTTP ({error})") from error

    def _receive(self, part: Part, file: BinaryIO) -> None:
        from tqdm import tqdm

        file.seek(0)
        file.truncate()
        with open_url(self.url(part), self.timeout) as response:
            expected = part.size if response.length is None else response.length
            longest = LONGEST if part.size is None else part.size
            with tqdm(
                total=expected,
                desc=part.name,
                unit="B",
                unit_scale=True,
                disable=not (self.progress and is_terminal(sys.stderr)),
            ) as bar:
                while block := response.read(BLOCK):
                    page = response.headers.get_content_type() == "text/html"
                    if file.tell() == 0 and (page or block.lstrip()[:1] == b"<"):
                        raise OSError("the server sent a web page instead of the file")
                    file.write(block)
                    if file.tell() > longest:
                        raise OSError(
                            f"{part.name} has {file.tell():,} bytes, expected {longest:,} at most"
                        )
                    bar.update(len(block))
        if expected is not None and file.tell() < expected:
            raise ConnectionError(f"the file broke off after {file.tell():,} of {expected:,} bytes")
        if file.tell() == 0:
            raise ConnectionError("the server sent an empty file")

    def explain(self, part: Part, error: Exception) -> str:
        """What went wrong, for an error message."""
        reason = getattr(error, "reason", None)
        host = self.url(part).split("/")[2]
        if isinstance(error, urllib.error.HTTPError):
            return f"the server answered {error.code} {reason}"
        if isinstance(reason, ssl.SSLCertVerificationError):
            return f"the certificate of {host} is not to be trusted ({reason.verify_message})"
        if isinstance(error, TimeoutError) or isinstance(reason, TimeoutError):
            return f"no byte came within {self.timeout:g} seconds, or fewer than {SLOWEST} in each"
        if isinstance(error, urllib.error.URLError):
            return f"no connection to {host} ({reason})"
        return str(error) or type(error).__name__


def passes(error: Exception) -> bool:
    """Whether another attempt may find the network in a better state."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code in RETRIED or error.code >= 500
    return not isinstance(getattr(error, "reason", None), ssl.SSLCertVerificationError)


def open_url(url: str, timeout: float) -> http.client.HTTPResponse:
    """The response of a server whose certificate is valid, where it has one."""
    opener = urllib.request.build_opener(SecureHandler(), PlainHandler(), SafeRedirects())
    request = urllib.request.Request(url, headers={"User-Agent": "ncf_numpy"})
    return opener.open(request, timeout=timeout)


class SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows from https to https, and from http to either; reads no body of a redirect."""

    inf_msg = "and redirects without an end: "

    def http_error_302(self, request, response, code, message, headers):
        response.close()  # or urllib would read it whole, or leave it open
        return super().http_error_302(request, response, code, message, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    def redirect_request(self, request, response, code, message, headers, url):
        scheme = urlsplit(url).scheme
        if scheme != "https" and (scheme, request.type) != ("http", "http"):
            raise OSError(f"the server redirects from {request.type} to {scheme}, {url!r}")
        return super().redirect_request(request, response, code, message, headers, url)


class Paced(io.RawIOBase):
    """What comes from a server, headers and body; TimeoutError where it comes too slowly.

    No more than `left` bytes come: http.client would read heads and trailers without an end.
    """

    def __init__(self, raw: io.RawIOBase, window: float):
        self.raw, self.window, self.left = raw, window, MOST
        self.since, self.received = None, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        n = self.raw.readinto(buffer)
        self.left -= n
        if self.left < 0:
            raise OSError(f"the server sent {MOST:,} bytes of headers, and no end of them")
        now = time.monotonic()
        self.since = now if self.since is None else self.since
        self.received += n
        if now - self.since > self.window:
            if n and self.received < SLOWEST * self.window:
                raise TimeoutError("too slow")
            self.since, self.received = now, 0
        return n

    def close(self) -> None:
        self.raw.close()
        super().close()


class PacedResponse(http.client.HTTPResponse):
    def __init__(self, sock, *args, **kwargs):
        super().__init__(sock, *args, **kwargs)
        self.paced = Paced(self.fp.detach(), sock.gettimeout())
        self.fp = io.BufferedReader(self.paced, BLOCK)

    def read(self, amt: int | None = None) -> bytes:
        self.paced.left = MOST
        return super().read(amt)


class PlainConnection(http.client.HTTPConnection):
    response_class = PacedResponse


class SecureConnection(http.client.HTTPSConnection):
    response_class = PacedResponse


class PlainHandler(urllib.request.HTTPHandler):
    def http_open(self, request):
        return self.do_open(PlainConnection, request)


class SecureHandler(urllib.request.HTTPSHandler):
    def https_open(self, request):
        context = ssl.create_default_context()  # verifies certificate and host name
        return self.do_open(SecureConnection, request, context=context)
