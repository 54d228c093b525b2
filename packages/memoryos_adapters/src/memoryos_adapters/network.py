"""What the name or the address of a host tells about where it is."""

import ipaddress

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_PROTOCOL_ASSIGNMENTS = ipaddress.IPv4Network("192.0.0.0/24")  # Oracle's metadata are at 192.0.0.192
_NOT_PUBLIC_V6 = (ipaddress.IPv6Network("2001::/23"), ipaddress.IPv6Network("3fff::/20"))  # Teredo, documentation
_AZURE_PLATFORM = ipaddress.IPv4Address("168.63.129.16")  # a registered address that leads into the machine's own host


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine: ``localhost``, or a loopback address."""
    host = host.lower().rstrip(".")
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return (_inner_v4(ip) or ip).is_loopback


def is_public(address: str) -> bool:
    """Return whether an IP address belongs to the public internet: not private, loopback, link-local or reserved.

    An IPv4 address inside an IPv6 one (mapped, 6to4, NAT64) counts as that IPv4 address. The addresses under which
    clouds tell machines about themselves do not count as public. False for what is no address.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    ip = _inner_v4(ip) or ip
    if isinstance(ip, ipaddress.IPv4Address):
        return ip.is_global and not ip.is_multicast and ip not in _PROTOCOL_ASSIGNMENTS and ip != _AZURE_PLATFORM
    return ip.is_global and ip in _GLOBAL_UNICAST and not any(ip in network for network in _NOT_PUBLIC_V6)


def is_within(host: str, name: str) -> bool:
    """Return whether `host` is `name` or a name below it (``api.example.com`` is within ``example.com``)."""
    host, name = host.lower().rstrip("."), name.lower().strip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _inner_v4(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if isinstance(ip, ipaddress.IPv4Address):
        return None
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour
