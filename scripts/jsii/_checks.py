"""The checks that jsii lacks: texts and tuples are no lists, a wrong item has a place, and a name is no object."""

import collections.abc
import typing

from jsii import _type_checking


def check_type(argname: str, value: object, expected_type: typing.Any) -> typing.Any:
    """Rejects other sequences than lists, wrong items of lists, and texts and numbers for objects. Then checks as jsii does."""
    types = typing.get_args(expected_type) if typing.get_origin(expected_type) is typing.Union else (expected_type,)
    lists = [each for each in types if typing.get_origin(each) is collections.abc.Sequence]
    got = f"got {type(value).__name__} instead"
    if len(lists) == 1 and isinstance(value, (str, tuple, set, frozenset)) and str not in types:
        raise TypeError(f"type of {argname} must be a list; {got}: use {[value] if isinstance(value, str) else list(value)}")
    interfaces = [each for each in types if getattr(each, "_is_protocol", False)]
    if len(interfaces) == 1 and isinstance(value, (str, int, float)) and not {str, int, float, bool}.intersection(types):
        name = f"{interfaces[0].__module__}.{interfaces[0].__name__}"
        raise TypeError(f"type of {argname} must be {name}; {got}: use an object, not its name or ARN")
    if len(lists) == 1 and isinstance(value, list):
        (item_type,) = typing.get_args(lists[0])
        for i, item in enumerate(value):
            check_type(f"{argname}[{i}]", item, item_type)
    return _type_checking.check_type(argname=argname, value=value, expected_type=expected_type)
