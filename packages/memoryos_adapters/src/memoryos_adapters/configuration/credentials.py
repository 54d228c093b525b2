"""Secrets of a configuration: looked up in the environment that is handed in, and never told in a fault."""

import re
from collections.abc import Collection, Mapping

from memoryos_adapters.configuration.faults import Faults, KeyPath
from memoryos_adapters.configuration.urls import echo_of, split_password, url_problem
from memoryos_adapters.settings import Secret

_CONVENTIONAL_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,63}", re.ASCII)
_SENDABLE = re.compile(r"[!-~]+", re.ASCII)


def read_secret(
    path: KeyPath, *, variable: str | None, literal: Secret | None, environ: Mapping[str, str], faults: Faults
) -> Secret | None:
    """Return the secret of the key at `path`, given by a variable (key ``PATH_env``) or literally; None when neither.

    Faults: both are given; the variable is not set; the secret holds what no HTTP header can carry.
    """
    variable_path = (*path[:-1], f"{path[-1]}_env")
    if variable is not None and literal is not None:
        faults.add(variable_path, f"give {path[-1]}_env or {path[-1]}, not both")
        return None
    if variable is None:
        if literal is not None and not _SENDABLE.fullmatch(literal.reveal()):
            faults.add(path, "holds blanks or other characters that no key has")
        return literal
    return read_variable(variable_path, variable, environ=environ, faults=faults)


def separate_password(
    path: KeyPath,
    url: str,
    *,
    given: Secret | None,
    schemes: Collection[str],
    faults: Faults,
    with_query: bool = False,
) -> tuple[str, Secret | None]:
    """Return the URL at `path` without the password in it, and that password, or the one `given` beside it.

    Faults: it is no URL with a host and a scheme of `schemes`, or has a query that it must not have; there are two
    passwords.
    """
    if problem := url_problem(url, schemes=schemes, with_user=True, with_query=with_query):
        faults.add(path, problem, found=echo_of(url))
        return url, given
    bare, inside = split_password(url)
    if given is not None and inside is not None:
        faults.add(path, "holds a password, and another is given beside it")
    return bare, given or inside


def read_variable(path: KeyPath, variable: str, *, environ: Mapping[str, str], faults: Faults) -> Secret | None:
    """Return the secret that a variable holds, or record at `path` why there is none.

    A name that does not look like a variable's is not told: it may be the key itself, put in the wrong place.
    """
    is_name = _CONVENTIONAL_NAME.fullmatch(variable) is not None
    shown = f"variable {variable}" if is_name else "the variable that it names"
    text = environ.get(variable)
    if text is None:
        hint = "" if is_name else "wanted is the name of an environment variable, not the key itself"
        faults.add(path, f"{shown} is not set", hint=hint)
    elif not _SENDABLE.fullmatch(text):
        problem = "holds blanks or other characters that no key has" if text else "is empty"
        faults.add(path, f"{shown} {problem}")
    else:
        return Secret(text)
    return None
