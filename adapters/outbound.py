"""The one way out: which addresses of other systems may be called, checked when saved and again on every call.

People type base URLs in, so one could name a machine in our own network. What counts is the address that is really
connected to: the name is looked up once, the answer is checked, and the connection is made to that very address, so a
name that answers differently a moment later (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests_hardened.ip_filter import EXTRA_BLOCKED_NET_RANGES, InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter

from adapters.base import Refused, RetryLater
from adapters.http import read_body

PORTS = (443, 8443)
"""Where real systems are called; any other port has to be allowed with its host."""

MAX_URL_CHARACTERS = 200

_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}))*")

_BLOCKED = (
    *EXTRA_BLOCKED_NET_RANGES,
    ipaddress.ip_network("168.63.129.16/32"),  # Azure's platform service: a public address that leads inside
    ipaddress.ip_network("::/96"),  # IPv4 written as IPv6, without the mapping prefix
    ipaddress.ip_network("fec0::/10"),  # site-local, out of use and still routed in places
)

_INSIDE = "leads to a private, local or otherwise reserved address"
_ALLOW = "A system in your own network has to be allowed by the setting WISSEL_ALLOWED_PRIVATE_HOSTS of this installation."


class BadAddress(ValueError):
    """An address that must not be called. The message says why, and what would do."""


@dataclass(frozen=True, slots=True)
class Outbound:
    """Which addresses may be called. `allowed` holds hosts (`magento.internal`) or hosts with a port (`127.0.0.1:8801`)
    that may be private, speak plain HTTP and use any port (or the one named)."""

    allowed: frozenset[str] = frozenset()

    @classmethod
    def of(cls, allowed: Iterable[str] = ()) -> Outbound:
        """From a list as people write it: case and surrounding space do not matter."""
        return cls(frozenset(entry.strip().lower() for entry in allowed if entry.strip()))

    def check(self, url: str) -> str:
        """The base URL as it is kept: without a trailing slash. Looks the host up, so it may take a moment; a host that
        cannot be found now passes, since every call checks again.

        Raises BadAddress.
        """
        url = url.strip()
        if len(url) > MAX_URL_CHARACTERS:
            raise BadAddress(f"is longer than {MAX_URL_CHARACTERS} characters")
        parts = self._checked(url)
        if parts.query or parts.fragment:
            raise BadAddress("must end with the path: leave out everything from the ? or # on")
        host, port = parts.hostname or "", parts.port or _usual_port(parts)
        if not self.allows(host, port):
            for address in _addresses(host, port):
                if _is_inside(address):
                    raise BadAddress(f"{_INSIDE}. {_ALLOW}")
        return parts.geturl().rstrip("/")

    def check_call(self, url: str) -> None:
        """Check the address of one request, except for where its host leads: the transport sees to that. Raises
        BadAddress."""
        self._checked(url)

    def allows(self, host: str, port: int) -> bool:
        """Whether this host was named as one that may be private."""
        name = host.lower()
        return name in self.allowed or f"{name}:{port}" in self.allowed or f"[{name}]:{port}" in self.allowed

    def session(self, seconds: float | None = None) -> requests.Session:
        """A session for calls to one system. Nothing but the adapter adds credentials: without this, requests would put
        those of a `.netrc` file in their place. With `seconds` everything done with it must be over in that time."""
        http = requests.Session()
        http.headers["User-Agent"] = "Wissel"
        http.auth = _no_auth
        deadline = time.monotonic() + seconds if seconds is not None else None
        http.mount("https://", _Transport(self, deadline, secure=True))
        http.mount("http://", _Transport(self, deadline, secure=False))
        return http

    def _checked(self, url: str) -> SplitResult:
        if not url:
            raise BadAddress("is missing")
        if any(ord(char) <= 32 or ord(char) == 127 or char == "\\" for char in url):
            raise BadAddress("holds a space, a backslash or a character that no address has")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise BadAddress("is no address: write it like https://shop.example.com") from None
        if parts.scheme not in ("http", "https"):
            raise BadAddress("must begin with https://")
        if "@" in parts.netloc:
            raise BadAddress("must not hold a user name or password: they belong to the credentials")
        host = parts.hostname or ""
        if not _is_host(host):
            raise BadAddress("names no host: write it like https://shop.example.com")
        usual = _usual_port(parts)
        if not self.allows(host, port or usual):
            if parts.scheme != "https":
                raise BadAddress(f"must begin with https://, so that nobody on the way can read the credentials. {_ALLOW}")
            if (port or usual) not in PORTS:
                raise BadAddress(f"uses port {port}; allowed are {' and '.join(map(str, PORTS))}. {_ALLOW}")
        return parts


def new_session(allowed: Iterable[str] = ()) -> requests.Session:
    """A session that calls public addresses, and the hosts named."""
    return Outbound.of(allowed).session()


class _Transport(IPFilterAdapter):  # type: ignore[misc]
    """Connects to the address it has checked, and to no other. Raises Refused where a call must not go."""

    def __init__(self, outbound: Outbound, deadline: float | None, *, secure: bool) -> None:
        super().__init__(is_https_proto=secure)
        self._outbound = outbound
        self._deadline = deadline

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        """The checked address instead of the name; a host that is allowed goes the usual way."""
        parts = urlsplit(request.url)
        if self._outbound.allows(parts.hostname or "", parts.port or _usual_port(parts)):
            return HTTPAdapter.build_connection_pool_key_attributes(self, request, verify, cert)
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        if _is_inside(host["host"].strip("[]")):
            raise InvalidIPAddress(host["host"])
        return host, pool

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send one request within what is left of the time. Raises Refused, or RetryLater when the time is over."""
        try:
            self._outbound.check_call(request.url or "")
        except BadAddress as bad:
            raise Refused(f"The address {_shown(request.url)} {bad}", detail=_shown(request.url)) from None
        try:
            if self._deadline is None:
                response: requests.Response = super().send(request, **options)
                return response
            return self._send_before(self._deadline, request, options)
        except InvalidIPAddress:
            raise Refused(f"The address {_shown(request.url)} {_INSIDE}. {_ALLOW}", detail=_shown(request.url)) from None

    def _send_before(self, deadline: float, request: requests.PreparedRequest, options: Mapping[str, Any]) -> requests.Response:
        left = deadline - time.monotonic()
        if left <= 0:
            raise RetryLater("The system takes too long to answer.", detail=_shown(request.url))
        timeout = options.get("timeout")
        asked = timeout if isinstance(timeout, tuple) else (timeout, timeout)
        capped = tuple(left if each is None else min(each, left) for each in asked)
        response: requests.Response = super().send(request, **{**options, "timeout": capped})
        read_body(response, deadline=deadline)
        return response


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _is_host(host: str) -> bool:
    """Whether this is how a host is written: a name, or an address without a zone."""
    try:
        if ":" in host:
            return "%" not in host and ipaddress.IPv6Address(host) is not None
        return _HOST.fullmatch(host.encode("idna").decode()) is not None
    except (ValueError, UnicodeError):
        return False


def _usual_port(parts: SplitResult) -> int:
    return 443 if parts.scheme == "https" else 80


def _addresses(host: str, port: int) -> set[str]:
    """Every address a host leads to now; none when it cannot be found."""
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return set()


def _is_inside(address: str) -> bool:
    """Whether an address is anything but a public one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if ip.is_private or ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_link_local:
        return True
    return any(ip in network for network in _BLOCKED if network.version == ip.version)


def _shown(url: str | None) -> str:
    """An address for people: without its query, and without a password somebody put into it."""
    parts = urlsplit((url or "").partition("?")[0])
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
