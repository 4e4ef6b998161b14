"""The checks of lists that jsii lacks: text is a sequence, but not a list, and a wrong item has a place."""

import collections.abc
import typing

from jsii import _type_checking


def check_type(argname: str, value: object, expected_type: typing.Any) -> typing.Any:
    """Rejects text for a list, and names a wrong item of a list. Then checks as jsii does."""
    is_union = typing.get_origin(expected_type) is typing.Union
    types = typing.get_args(expected_type) if is_union else (expected_type,)
    lists = [each for each in types if typing.get_origin(each) is collections.abc.Sequence]
    if len(lists) == 1 and isinstance(value, str) and str not in types:
        raise TypeError(f"type of {argname} must be a list; got str instead: use [{value!r}]")
    if len(lists) == 1 and isinstance(value, (list, tuple)):
        (item_type,) = typing.get_args(lists[0])
        for i, item in enumerate(value):
            check_type(f"{argname}[{i}]", item, item_type)
    return _type_checking.check_type(argname=argname, value=value, expected_type=expected_type)
