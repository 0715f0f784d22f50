"""One vendor's HTTP client: retries, the rate limit, and errors a person can act on.

What is asked, and what an answer means, stands in the vendor's own module.
"""

from __future__ import annotations

import base64
import functools
import importlib.metadata
import ipaddress
import os
import random
import re
import ssl
import time
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import httpx
import msgspec
import stamina
from pydantic import SecretStr

from ai_usage.archive.pages import Page
from ai_usage.errors import SettingsError, VendorError
from ai_usage.settings import Settings
from ai_usage.text.printable import one_line
from ai_usage.vendors.base import Params, Vendor
from ai_usage.vendors.configured import options_of
from ai_usage.vendors.decoding import UNREADABLE, decodable
from ai_usage.vendors.limits import RateLimiter, shared
from ai_usage.vendors.retries import Retry, tell

LONGEST_WAIT = timedelta(minutes=5)
"""A vendor that asks for a longer pause than this fails the request, and the error says how long
it asked for: a run that sleeps for an hour helps nobody, one that asks too soon even less."""

SHORTEST_SECRET = 8
"""Characters from which on a key is looked for in answers: a shorter one is any word."""

MOST_SKEW = timedelta(minutes=15)
"""How far this machine's clock may be off a vendor's. Well below the shortest time in which a day
settles: by a clock that is ahead, a day that still runs at the vendor would count as complete."""

MESSAGE_LENGTH = 200
"""Characters of a vendor's own message that an error repeats."""

# It would log each retry in words of its own; ours are told to whoever listens (`retries`).
stamina.instrumentation.set_on_retry_hooks(())

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])

_OWN_AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables of the environment that name a company's own certificate authorities."""


class VendorClient:
    """Asks one vendor; one reused connection pool, safe to share between threads.

    A request is repeated on 429, 408, 5xx (529 too), a dropped connection, and an answer that
    stops short, at most `attempts` times. `Retry-After` is obeyed; without it the wait doubles
    from `wait_initial` seconds, with jitter, up to `wait_max`. Everything else is a `VendorError`
    at once. The key is in no error, log or repr, and an answer that holds it is refused: what is
    answered is kept in the archive as it came.

    The vendors' rate limits are kept before they are hit, by all clients of this process that use
    the same key (`limits.shared`). A base URL on this machine is a simulator and has no minute to
    wait for: there the limit is off unless `rate_limited`, and so are the proxies of the
    environment.

    An answer by a clock that is more than `MOST_SKEW` off ours is a `VendorError` too.
    """

    def __init__(
        self,
        vendor: Vendor,
        key: SecretStr,
        *,
        base_url: str | None = None,
        options: Mapping[str, str] | None = None,
        timeout_seconds: float = 60.0,
        attempts: int = 6,
        wait_initial: float = 2.0,
        wait_max: float = 60.0,
        rate_limited: bool | None = None,
    ) -> None:
        self.vendor = vendor
        self._options = dict(options or {})
        url = _checked_url(vendor, base_url or vendor.base_url)
        self._host = url.netloc.decode("ascii")
        self._auth = _KeyAuth(vendor, key)
        self._attempts = attempts
        self._wait_initial = wait_initial
        self._wait_max = wait_max
        loopback = _is_loopback(url.host)
        limited = not loopback if rate_limited is None else rate_limited
        user = (vendor.name, self._host, key)
        self._limited = limited
        self._secure = url.scheme == "https"
        self._shared = shared(user, vendor.requests_per_minute if limited else None)
        self._own = {
            endpoint.name: shared(
                (*user, endpoint.name), endpoint.requests_per_minute if limited else None
            )
            for endpoint in vendor.endpoints
            if endpoint.requests_per_minute is not None
        }
        self._http = httpx.Client(
            base_url=url,
            auth=self._auth,
            timeout=timeout_seconds,
            trust_env=not loopback,
            verify=_authorities(not loopback, *map(os.environ.get, _OWN_AUTHORITIES)),
            headers={
                "Accept": "application/json",
                "User-Agent": f"ai-usage/{importlib.metadata.version('ai-usage')}",
            },
        )

    @classmethod
    def from_settings(cls, vendor: Vendor, settings: Settings) -> Self:
        """The client of a configured vendor.

        Raises `SettingsError` where its key is not set, or an option of it cannot be read.
        """
        key = settings.vendor_secret(vendor.key_setting)
        if key is None:
            raise SettingsError(f"{vendor.title} needs a key: set {vendor.key_setting}.")
        base_url = settings.vendor_value(vendor.base_url_setting)
        if not (base_url or vendor.base_url):
            raise SettingsError(f"{vendor.title} needs an address: set {vendor.base_url_setting}.")
        return cls(
            vendor,
            key,
            base_url=base_url,
            options=options_of(vendor, settings),
            timeout_seconds=settings.http_timeout_seconds,
            attempts=settings.http_attempts,
        )

    @property
    def name(self) -> str:
        """The vendor's name."""
        return self.vendor.name

    def option(self, setting: str) -> str | None:
        """What a setting of the vendor's own says; None where it is unset."""
        return self._options.get(setting)

    def get(
        self,
        endpoint: str,
        path: str,
        params: Params = (),
        *,
        where: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        """GET one page. `where` (window, page) goes into the error if there is one.

        `path` may be the URL that an answer names as its next page (`Page.next_url`).
        """
        return self._get(endpoint, path, params, where, self._complete_object, headers)

    def get_if_there(
        self, endpoint: str, path: str, params: Params = (), *, where: str = ""
    ) -> Page | None:
        """As `get`; None where the answer is 204: there is nothing (yet)."""

        def take(response: httpx.Response) -> bytes:
            return b"" if response.status_code == 204 else self._complete_object(response)

        page = self._get(endpoint, path, params, where, take)
        return page if page.text else None

    def _get(
        self,
        endpoint: str,
        path: str,
        params: Params,
        where: str,
        take: Callable[[httpx.Response], bytes],
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        query = str(httpx.QueryParams(list(params)))
        request = self._http.build_request(
            "GET", path, params=list(params) or None, headers=dict(headers or {})
        )
        shown = path if path.startswith("/") else request.url.raw_path.decode("ascii")
        text = f"GET {shown}" + (f"?{query}" if query else "")
        return self._ask(self.limiter(endpoint), f"{endpoint} {where}", request, text, take)

    def post(self, endpoint: str, path: str, body: Mapping[str, Any], *, where: str = "") -> Page:
        """POST a JSON body, one page back. `where` (window, page) goes into the error."""
        content = msgspec.json.encode(body)
        request = self._http.build_request(
            "POST", path, content=content, headers={"Content-Type": "application/json"}
        )
        text = f"POST {path} {content.decode()}"
        return self._ask(self.limiter(endpoint), f"{endpoint} {where}", request, text)

    def post_form(
        self, endpoint: str, path: str, fields: Mapping[str, str], *, where: str = ""
    ) -> Page:
        """POST a form, as token endpoints want it; the page's `request` names no field of it."""
        request = self._http.build_request("POST", path, data=fields)
        return self._ask(self.limiter(endpoint), f"{endpoint} {where}", request, f"POST {path}")

    def download(
        self, url: str, as_json: Callable[[bytes], bytes], *, request: str, where: str = ""
    ) -> Page:
        """The file that an answer links to, as JSON. Its limit is not the vendor's, nor its key.

        `as_json` raises ValueError for half a file, which is asked for again. The link is a
        credential: no error and no page has it.
        """

        def take(response: httpx.Response) -> bytes:
            body = self._own_words(response)
            try:
                return as_json(body)
            except UNREADABLE as error:
                raise _RefusalError(
                    f"answered 200 with {len(body)} bytes that are no whole file ({error})",
                    "Try again later.",
                    retry=True,
                ) from None

        try:
            link = httpx.URL(url)
        except httpx.InvalidURL:
            link = httpx.URL("")
        if not link.host or (self._secure and link.scheme != "https"):
            raise VendorError(f"{self.vendor.name} {where}: the link to a file is no https URL.")
        asked = self._http.build_request("GET", link)
        return self._ask(RateLimiter(None), where, asked, request, take, is_link=True)

    def pause(self, seconds: float) -> None:
        """Wait for what the vendor works on; a simulator on this machine has it at once."""
        if self._limited:
            time.sleep(seconds)

    def requests_per_minute(self, endpoint: str) -> int | None:
        """How many requests a minute the endpoint is asked at most; None where nothing limits."""
        return self.limiter(endpoint).per_minute

    def limiter(self, endpoint: str) -> RateLimiter:
        """What the endpoint's requests wait for: its own limit where the vendor counts it alone.

        All clients of this process with the same vendor, host and key have the same one.
        """
        return self._own.get(endpoint, self._shared)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"VendorClient({self.vendor.name!r}, {self._host!r})"

    def _ask(
        self,
        limiter: RateLimiter,
        where: str,
        request: httpx.Request,
        text: str,
        take: Callable[[httpx.Response], bytes] | None = None,
        *,
        is_link: bool = False,
    ) -> Page:
        place = f"{self.vendor.name} {where}".rstrip()
        backoff = _Backoff(limiter, place, self._attempts, self._wait_initial, self._wait_max)
        retries = stamina.retry_context(on=backoff, attempts=self._attempts, timeout=None)
        try:
            for attempt in retries:
                with attempt:
                    limiter.wait()
                    return self._answer(request, text, take or self._complete_object, is_link)
        except _RefusalError as refused:
            after = f" after {backoff.tries} attempts" if backoff.tries > 1 else ""
            said = f"{refused}{after}. {refused.remedy}"
            failed = VendorError(f"{place}: {said}", f"{self.vendor.name}: {said}")
            failed.status = refused.status
            raise failed from None
        raise AssertionError("unreachable")  # pragma: no cover

    def _answer(
        self,
        request: httpx.Request,
        shown: str,
        take: Callable[[httpx.Response], bytes],
        is_link: bool,
    ) -> Page:
        """Send once: what `take` makes of a complete answer, or `_RefusalError`.

        A link carries its own right to be read; the key goes to no other host.
        """
        try:
            response = self._http.send(request, auth=None if is_link else self._auth)
        except httpx.ConnectError as error:
            raise self._unreachable(error) from None
        except httpx.TimeoutException:
            raise _RefusalError(
                f"no answer from {self._host} in time",
                "Try again later, or raise AI_USAGE_HTTP_TIMEOUT_SECONDS.",
                retry=True,
            ) from None
        except httpx.RequestError as error:
            raise _RefusalError(
                f"the connection to {self._host} broke ({self._clean(str(error))})",
                "Try again later.",
                retry=True,
            ) from None
        if not response.is_success:
            refused = self._refusal(response)
            refused.status = response.status_code
            raise refused
        self._check_clock(response)
        text = take(response)
        if is_link:
            return Page(text, shown, None, text)
        return Page(response.content, shown, self._next_url(response), text)

    def _next_url(self, response: httpx.Response) -> str | None:
        """The page that the `Link` header names as the next one; the key goes to no other host."""
        named = response.links.get("next", {}).get("url")
        if named is None:
            return None
        try:
            url = response.url.join(named)
        except httpx.InvalidURL:
            url = httpx.URL("")
        if (url.scheme, url.netloc) != (response.url.scheme, response.url.netloc):
            raise _RefusalError(
                f"answered 200 with a next page at another host ({self._clean(named)})",
                f"Check {self.vendor.base_url_setting} ({self._host}) and any proxy on the way.",
            )
        return str(url)

    def _check_clock(self, response: httpx.Response) -> None:
        """Refuse an answer by a clock that is far from ours; without `Date` there is none."""
        theirs = _http_date(response.headers.get("date", ""))
        if theirs is None:
            return
        # RFC 9111: a cache on the way says how many seconds ago it got the answer.
        age = response.headers.get("age", "").strip()
        theirs += timedelta(seconds=int(age) if re.fullmatch(r"[0-9]{1,9}", age) else 0)
        off = datetime.now(UTC) - theirs
        if abs(off) > MOST_SKEW:
            minutes = abs(off).total_seconds() / 60
            raise _RefusalError(
                f"this machine's clock is {minutes:.0f} minutes "
                f"{'ahead of' if off > timedelta(0) else 'behind'} that of {self._host}",
                "Set the clock: it decides which days have ended.",
            )

    def _unreachable(self, error: httpx.ConnectError) -> _RefusalError:
        return _RefusalError(
            f"{self._host} cannot be reached ({self._clean(str(error))})",
            f"Check the network and {self.vendor.base_url_setting}.",
            retry=True,
            quick=True,
        )

    def _refusal(self, response: httpx.Response) -> _RefusalError:
        status = response.status_code
        came = f"answered {status}"
        if said := _message(response):
            came += f" ({self._clean(said)})"
        wait = _retry_after(response)
        # Some refuse too many requests with 403, and tell it by when to come again.
        is_busy = status in (408, 429) or status >= 500 or (status == 403 and wait is not None)
        if status in self.vendor.remedies and not (status == 403 and is_busy):
            return _RefusalError(came, self.vendor.remedies[status])
        if status in (401, 403) and not is_busy:
            more = "" if status == 401 else " and what that key may read"
            return _RefusalError(came, f"Check {self.vendor.key_setting}{more}.")
        if is_busy:
            if wait is not None and wait > LONGEST_WAIT.total_seconds():
                return _RefusalError(
                    came, f"The vendor asks to wait {wait:.0f} s: run it again then."
                )
            return _RefusalError(came, "Try again later.", retry=True, wait=wait)
        if status == 404 or response.is_redirect:
            return _RefusalError(came, f"Check {self.vendor.base_url_setting} ({self._host}).")
        return _RefusalError(came, "The vendor does not accept this request.")

    def _clean(self, text: str) -> str:
        """Someone else's words for an error: no key (first: shortening may cut it), one line."""
        clean = one_line(self._auth.hide(text))
        return clean if len(clean) <= MESSAGE_LENGTH else clean[: MESSAGE_LENGTH - 1] + "…"

    def _own_words(self, response: httpx.Response) -> bytes:
        """The body, if it is the vendor's: without the key, and no web page."""
        body = response.content
        if self._auth.is_in(body):
            raise _RefusalError(
                f"answered 200 with {self.vendor.key_setting} itself in the answer, which is not "
                "kept",
                f"See what stands between you and {self._host}, and replace the key.",
            )
        if body.lstrip()[:1] == b"<":
            kind = self._clean(response.headers.get("content-type", "no content type"))
            raise _RefusalError(
                f"answered 200 with a web page ({kind}) instead of JSON",
                f"Check {self.vendor.base_url_setting} ({self._host}) and any proxy on the way.",
            )
        return body

    def _complete_object(self, response: httpx.Response) -> bytes:
        """The body as a decoder takes it, once it has proved to be one whole JSON object."""
        body = self._own_words(response)
        again = "Try again later."
        if not body.strip():
            raise _RefusalError("answered 200 with an empty body", again, retry=True)
        try:
            # Bytes that are no UTF-8 may have broken on the way: asking again may fix them.
            body.decode("utf-8")
            return _readable_object(body)
        except msgspec.ValidationError:
            raise _RefusalError(
                "answered 200 with JSON that is not an object",
                f"Check {self.vendor.base_url_setting} ({self._host}).",
            ) from None
        except RecursionError:
            raise _RefusalError("answered 200 with JSON that is nested too deeply", again) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _RefusalError(
                f"answered 200 with {len(body)} bytes that are not complete JSON ({error})",
                again,
                retry=True,
            ) from None


def _readable_object(body: bytes) -> bytes:
    """The body, or what `decodable` makes of one that holds odd text."""
    try:
        _OBJECT.decode(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        body = decodable(body)
        _OBJECT.decode(body)
    return body


class _RefusalError(Exception):
    """One attempt failed: what came, the fix, and whether and when to ask again."""

    def __init__(
        self,
        came: str,
        remedy: str,
        *,
        retry: bool = False,
        wait: float | None = None,
        quick: bool = False,
    ) -> None:
        super().__init__(came)
        self.remedy = remedy
        self.status: int | None = None
        self.retry = retry
        self.wait = wait
        self.quick = quick


class _Backoff:
    """Says whether to ask again and in how many seconds, and tells who listens (`retries`)."""

    def __init__(
        self, limiter: RateLimiter, place: str, attempts: int, wait_initial: float, wait_max: float
    ) -> None:
        self._limiter = limiter
        self._place = place
        self._attempts = attempts
        self._wait_initial = wait_initial
        self._wait_max = wait_max
        self.tries = 0

    def __call__(self, error: Exception) -> bool | float:
        self.tries += 1
        if not isinstance(error, _RefusalError) or not error.retry:
            return False
        wait = self._wait(error)
        if self.tries < self._attempts:
            tell(Retry(self._place, str(error), wait, self.tries + 1, self._attempts))
        return wait

    def _wait(self, error: _RefusalError) -> float:
        if error.wait is not None:
            self._limiter.hold(error.wait)
            return error.wait
        if error.quick:
            # A host that is not there is mostly a wrong setting: nobody must wait for it long.
            return min(0.2 * 2.0**self.tries, 5.0)
        jitter = random.uniform(0, self._wait_initial / 2)  # noqa: S311
        return min(self._wait_max, self._wait_initial * 2.0 ** (self.tries - 1) + jitter)


class _KeyAuth(httpx.Auth):
    """Puts the vendor's credential on a request, and takes it out of texts."""

    def __init__(self, vendor: Vendor, key: SecretStr) -> None:
        secret = key.get_secret_value()
        # A header cannot hold it, and the HTTP library's complaint would quote it.
        if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
            raise SettingsError(
                f"{vendor.key_setting} is no key: it holds a space, a line break or another "
                "character that keys do not have. Copy it again."
            )
        self._vendor = vendor
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers.update(self._vendor.headers(self._key.get_secret_value()))
        yield request

    def hide(self, text: str) -> str:
        """The text without the key, should a vendor echo it."""
        for form in self._forms():
            text = text.replace(form, "***")
        return text

    def is_in(self, body: bytes) -> bool:
        """Whether an answer holds the key."""
        long_enough = len(self._key.get_secret_value()) >= SHORTEST_SECRET
        return long_enough and any(form.encode() in body for form in self._forms())

    def _forms(self) -> tuple[str, str]:
        """The key as it is, and as a Basic header has it."""
        secret = self._key.get_secret_value()
        return secret, base64.b64encode(f"{secret}:".encode()).decode()


def _checked_url(vendor: Vendor, text: str) -> httpx.URL:
    name = vendor.base_url_setting
    example = vendor.base_url or "https://host/path"
    try:
        url = httpx.URL(text.strip())
    except httpx.InvalidURL:
        raise SettingsError(f"{name} is not a URL: write it like {example}.") from None
    if url.userinfo:
        raise SettingsError(f"{name} holds a credential: the key belongs in {vendor.key_setting}.")
    if url.scheme not in ("http", "https") or not url.host:
        raise SettingsError(f"{name}={text} is not a URL: write it like {example}.")
    return url


@functools.cache
def _authorities(trust_env: bool, *_: str | None) -> ssl.SSLContext:
    """Whose certificates are trusted: read once, not for each of two dozen clients."""
    return httpx.create_ssl_context(trust_env=trust_env)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _message(response: httpx.Response) -> str:
    """The vendor's own words.

    `{"error": {"message": …}}`, `{"error": …, "message": …}`, SCIM's `{"detail": …}` (RFC 7644),
    or a token endpoint's `{"error": …, "error_description": …}` (RFC 6749).
    """
    try:
        body = msgspec.json.decode(response.content)
    except UNREADABLE:
        return ""
    if not isinstance(body, dict):
        return ""
    error = body.get("error")
    inner = error.get("message") if isinstance(error, dict) else None
    described = body.get("error_description")
    for said in (inner, body.get("message"), body.get("detail"), described, error):
        if isinstance(said, str) and said.strip():
            return said
    return ""


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds that the vendor asks to wait: RFC 9110, a number of seconds or an HTTP date.

    A date is by the vendor's clock, which the answer tells; by ours only where it does not.
    """
    value = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", value):
        return float(value)
    at = _http_date(value)
    if at is None:
        return None
    now = _http_date(response.headers.get("date", "")) or datetime.now(UTC)
    return max(0.0, (at - now).total_seconds())


def _http_date(value: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(value.strip())
    except (ValueError, TypeError):
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
