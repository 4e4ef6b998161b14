"""The checks that jsii lacks: texts and tuples are no lists, a wrong item has a place, a name is no object, and NaN is no number."""

import collections.abc
import math
import typing

from jsii import _type_checking


def check_type(argname: str, value: object, expected_type: typing.Any) -> typing.Any:
    """Rejects what jsii accepts and cannot pass on, or passes on without a place. Then checks as jsii does."""
    types = typing.get_args(expected_type) if typing.get_origin(expected_type) is typing.Union else (expected_type,)
    lists = [each for each in types if typing.get_origin(each) is collections.abc.Sequence]
    got = f"got {type(value).__name__} instead"
    if float in types and bool not in types and (isinstance(value, bool) or isinstance(value, float) and not math.isfinite(value)):
        raise TypeError(f"type of {argname} must be a number; got {value} instead")
    if len(lists) == 1 and isinstance(value, (str, tuple, set, frozenset)) and str not in types:
        (item_type,) = typing.get_args(lists[0])
        use = [value] if isinstance(value, str) else list(value)
        remedy = use if item_type is str else f"a list of {_name(item_type)}"
        raise TypeError(f"type of {argname} must be a list; {got}: use {remedy}")
    interfaces = [each for each in types if getattr(each, "_is_protocol", False)]
    if len(interfaces) == 1 and isinstance(value, (str, int, float)) and not {str, int, float, bool}.intersection(types):
        raise TypeError(f"type of {argname} must be {_name(interfaces[0])}; {got}: use an object, not its name or ARN")
    if len(lists) == 1 and isinstance(value, list):
        (item_type,) = typing.get_args(lists[0])
        for i, item in enumerate(value):
            check_type(f"{argname}[{i}]", item, item_type)
    return _type_checking.check_type(argname=argname, value=value, expected_type=expected_type)


def _name(of: typing.Any) -> str:
    return f"{of.__module__}.{of.__name__}"
