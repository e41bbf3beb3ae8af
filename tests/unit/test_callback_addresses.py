"""Where a notice may go: every form of an address that leads inside is refused, however it is written."""

import socket
import threading
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from jobs_app.callbacks import addresses
from jobs_app.callbacks.addresses import RefusedError, UnresolvedError, is_public, parse, resolve

PUBLIC = "93.184.215.14"
Answers = Callable[..., None]

INNER = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:0:10.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::8.8.8.8",
    "100::1",
    "2001::1",
    "2001:0:0a00:1::1",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2002:c0a8:101::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
OUTER = [
    PUBLIC,
    "8.8.8.8",
    "172.32.0.1",
    "2606:2800:21f:cb07:6820:80da:af6b:8b2c",
    "2a00:1450:4001:830::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:808:808::1",
]


@pytest.fixture(autouse=True)
def nothing_allowed(settings: Any) -> None:
    settings.CALLBACK_HOSTS, settings.CALLBACK_NETWORKS = frozenset(), ()


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Has the name server give these addresses."""

    def give(*ips: str) -> None:
        found = [(socket.AF_INET6 if ":" in ip else socket.AF_INET, 1, 6, "", (ip, 443)) for ip in ips]
        monkeypatch.setattr(addresses, "look_up", lambda *_, **__: found)

    return give


def looked_up(url: str) -> list[str]:
    return [str(ip) for ip in resolve(parse(url), seconds=5)]


@pytest.mark.parametrize("ip", INNER)
def test_an_inner_address_is_refused(ip: str, answers: Answers) -> None:
    assert not is_public(ip_address(ip))
    answers(PUBLIC, ip)
    with pytest.raises(RefusedError):
        looked_up("https://hooks.example.com/in")


@pytest.mark.parametrize("ip", OUTER)
def test_a_public_address_is_called(ip: str, answers: Answers) -> None:
    answers(ip)
    assert [ip_address(each) for each in looked_up("https://hooks.example.com/in")] == [ip_address(ip)]


def test_a_link_local_address_with_its_interface_is_refused(answers: Answers) -> None:
    answers("fe80::1%eth0")
    with pytest.raises(RefusedError):
        looked_up("https://hooks.example.com/in")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "https:///path",
        "hooks.example.com",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "gopher://hooks.example.com/",
        "https:hooks.example.com",
        "https://user@hooks.example.com/",
        "https://user:password@hooks.example.com/",
        "https://public.example.com@10.0.0.1/",
        "https://public.example.com\\@10.0.0.1/",
        "https://public.example.com#@10.0.0.1/",
        "https://hooks.example.com#part",
        "https://hooks.example.com/#part",
        "https://hooks.example.com?query",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/a\r\nX-Injected: 1",
        "https://hooks.example.com/\x00",
        "https://hooks.example.com\n/",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:65536/",
        "https://hooks.example.com:x/",
        "https://hooks..example.com/",
        "https://-hooks.example.com/",
        "https://hooks.example.com./",
        "https://höoks.example.com/",
        "https://\u212aoodrive.example.com/",
        "https://127.0.0.1/",
        "https://8.8.8.8/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://1.2.3.4.5/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fe80::1%25eth0]/",
        "https://[2606:4700::1111]/",
        "https://[::1/",
        "https://hooks.example.com/" + "a" * 2048,
    ],
)
def test_what_is_no_address_to_call(url: str) -> None:
    with pytest.raises(RefusedError):
        parse(url)


def test_what_an_address_says_is_read_once_and_exactly() -> None:
    address = parse("HTTPS://Hooks.Example.com:8443/Path/%20?a=1&b=@")
    assert (address.host, address.port, address.path) == ("hooks.example.com", 8443, "/Path/%20?a=1&b=@")
    assert address.netloc == "hooks.example.com:8443"
    assert parse("https://hooks.example.com").netloc == "hooks.example.com"


def test_plain_http_is_for_this_machine_alone_and_only_where_the_list_names_it(settings: Any, answers: Answers) -> None:
    answers("127.0.0.1")
    with pytest.raises(RefusedError):
        looked_up("http://receiver.example.com/")
    settings.CALLBACK_HOSTS = frozenset({"receiver.example.com"})
    assert looked_up("http://receiver.example.com/") == ["127.0.0.1"]
    for ip in ("10.1.2.3", PUBLIC):
        answers(ip)
        with pytest.raises(RefusedError):
            looked_up("http://receiver.example.com/")


def test_the_list_opens_exactly_what_it_names(settings: Any, answers: Answers) -> None:
    settings.CALLBACK_HOSTS = frozenset({"hooks.internal"})
    settings.CALLBACK_NETWORKS = (ip_network("10.1.2.0/24"), ip_network("fd00:1::/64"))
    answers("192.168.7.7")
    assert looked_up("https://hooks.internal/")
    for host in ("other.internal", "hooks.internal.example.com", "a.hooks.internal"):
        with pytest.raises(RefusedError):
            looked_up(f"https://{host}/")
    for ip in ("10.1.2.3", "::ffff:10.1.2.3", "fd00:1::5"):
        answers(ip)
        assert looked_up("https://any.example.com/")
    for ip in ("10.1.3.3", "fd00:2::5"):
        answers("10.1.2.3", ip)
        with pytest.raises(RefusedError):
            looked_up("https://any.example.com/")
    assert parse("https://10.1.2.3/").host == "10.1.2.3"
    assert parse("https://[fd00:1::5]/").netloc == "[fd00:1::5]"
    with pytest.raises(RefusedError):
        parse("https://10.1.3.3/")


def test_a_name_that_is_unknown_or_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    may_end = threading.Event()
    address = parse("https://hooks.example.com/")
    monkeypatch.setattr(addresses, "look_up", unknown)
    with pytest.raises(UnresolvedError):
        resolve(address, seconds=5)
    monkeypatch.setattr(addresses, "look_up", lambda *_, **__: may_end.wait(30) and [])
    with pytest.raises(UnresolvedError, match="in time"):
        resolve(address, seconds=0.05)
    may_end.set()
    monkeypatch.setattr(addresses, "look_up", lambda *_, **__: [])
    with pytest.raises(UnresolvedError, match="no address"):
        resolve(address, seconds=5)
