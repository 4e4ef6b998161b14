"""The check of arguments that jsii lacks: text is a sequence, but not a list."""

import collections.abc
import typing

from jsii import _type_checking


def check_type(argname: str, value: object, expected_type: typing.Any) -> typing.Any:
    """Rejects text for a list, then checks as jsii does. Without it, the error of jsii names neither the argument nor a remedy."""
    alternatives = typing.get_args(expected_type) if typing.get_origin(expected_type) is typing.Union else (expected_type,)
    is_list = any(typing.get_origin(each) is collections.abc.Sequence for each in alternatives)
    if is_list and isinstance(value, (str, bytes)) and type(value) not in alternatives:
        raise TypeError(f"type of {argname} must be a list; got {type(value).__name__} instead: use [{value!r}]")
    return _type_checking.check_type(argname=argname, value=value, expected_type=expected_type)
