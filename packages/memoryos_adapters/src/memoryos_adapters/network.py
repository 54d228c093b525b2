"""What the name or the address of a host tells about where it is."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine: ``localhost``, or a loopback address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """Return whether an IP address belongs to the public internet: not private, loopback, link-local or reserved.

    An IPv4 address inside an IPv6 one (mapped, 6to4, NAT64) counts as that IPv4 address. False for what is no address.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner = _inner_v4(ip) if isinstance(ip, ipaddress.IPv6Address) else None
    return ip.is_global and not ip.is_multicast and (inner is None or (inner.is_global and not inner.is_multicast))


def is_within(host: str, name: str) -> bool:
    """Return whether `host` is `name` or a name below it (``api.example.com`` is within ``example.com``)."""
    host, name = host.lower().rstrip("."), name.lower().strip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def _inner_v4(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour
