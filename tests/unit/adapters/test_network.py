"""Where a host is, from its name or address alone; what is not surely public counts as private."""

import pytest

from memoryos_adapters.network import is_loopback, is_public, is_within


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "localhost.", "127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine_is_loopback(host: str) -> None:
    assert is_loopback(host)


def test_a_mapped_loopback_address_is_loopback() -> None:
    assert is_loopback("::ffff:127.0.0.1")


@pytest.mark.parametrize("host", ["", "localhost.example.com", "notlocalhost", "10.0.0.1", "0.0.0.0", "127.1", "::2"])
def test_any_other_host_is_not(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "93.184.216.34",
        "2001:4860:4860::8888",
        "2606:2800:220:1:248:1893:25c8:1946",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
    ],
)
def test_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.255.254", "::1"),
        *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12:3456::1"),
        *("169.254.1.1", "fe80::1", "fe80::1%eth0", "fec0::1"),
        *("0.0.0.0", "::", "255.255.255.255", "240.0.0.1", "100.64.0.1", "198.18.0.1", "192.0.2.1", "203.0.113.1"),
        *("224.0.0.1", "ff02::1", "2001:db8::1", "3fff::1", "2001::1", "100::1", "4000::1", "64:ff9b:1::1"),
    ],
)
def test_private_loopback_link_local_and_reserved_addresses_are_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16"]
)
def test_where_clouds_tell_machines_about_themselves_is_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:a9fe:a9fe",
        "64:ff9b::10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "::127.0.0.1",
        "::10.0.0.1",
    ],
)
def test_a_private_address_inside_an_ipv6_one_is_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "text", ["", "example.com", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "8.8.8.8.", "8.8.8.8/32"]
)
def test_what_is_no_address_is_not(text: str) -> None:
    assert not is_public(text)


@pytest.mark.parametrize(
    ("host", "name", "within"),
    [
        ("example.com", "example.com", True),
        ("api.example.com", "example.com", True),
        ("API.Example.com.", ".example.COM", True),
        ("notexample.com", "example.com", False),
        ("example.com", "api.example.com", False),
        ("example.com", "", False),
        ("example.com", ".", False),
        ("10.0.0.1", "10.0.0.1", True),
    ],
)
def test_a_name_covers_those_below_it(host: str, name: str, within: bool) -> None:
    assert is_within(host, name) is within
