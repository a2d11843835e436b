"""Frames that are hard to keep, each with the name of what makes it hard.

``LOSSY`` names those of which something cannot be restored, and the word with which ``fidelity`` must say so.
"""

import enum
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa

PRAGUE = ZoneInfo("Europe/Prague")


class Colour(enum.Enum):
    RED = 1


class Number(enum.IntEnum):
    ONE = 1


class Text(str):
    __slots__ = ()


class Custom:
    def __str__(self) -> str:
        return "a custom cell"


class Frame(pd.DataFrame):
    @property
    def _constructor(self) -> type["Frame"]:
        return Frame


def cells(*values: Any) -> pd.DataFrame:
    """One column of objects; pandas guesses nothing."""
    column = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        column[place] = value
    return pd.DataFrame({"x": pd.Series(column, dtype=object)})


def typed(values: Any, dtype: Any = None) -> pd.DataFrame:
    return pd.DataFrame({"x": pd.Series(values, dtype=dtype)})


def arrow(values: Any, kind: pa.DataType) -> pd.DataFrame:
    return pd.DataFrame({"x": pd.Series(pd.array(pa.array(values, type=kind), dtype=pd.ArrowDtype(kind)))})


def text_with_nan(storage: str) -> Any:
    try:
        return pd.StringDtype(storage, na_value=np.nan)
    except TypeError:
        raise ImportError("pandas before 2.3 has no such text") from None


def indexed(index: pd.Index) -> pd.DataFrame:
    return pd.DataFrame({"x": range(len(index))}, index=index)


def named(columns: Any) -> pd.DataFrame:
    frame = pd.DataFrame([list(range(len(columns)))] * 2)
    frame.columns = columns
    return frame


def with_attrs(attrs: dict[Any, Any]) -> pd.DataFrame:
    frame = pd.DataFrame({"x": [1]})
    frame.attrs = attrs
    return frame


def mixed() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": range(5),
            "amount": [1.5, np.nan, -0.0, np.inf, 2.0],
            "name": ["a", None, "ž", "", "d"],
            "when": np.array(
                ["2024-01-01", "NaT", "2024-03-31T02:30", "1999-12-31", "2038-01-19"], dtype="M8[us]"
            ),
            "kind": pd.Categorical(["x", "y", None, "x", "y"]),
            "ok": [True, False, True, True, False],
            "count": pd.array([1, None, 3, 4, 2**62], dtype="Int64"),
        }
    )


def _custom_day_index() -> pd.DataFrame:
    holidays = pd.offsets.CustomBusinessDay(holidays=["2024-01-02"])
    return indexed(pd.date_range("2024-01-01", periods=3, freq=holidays))


def _strided() -> pd.DataFrame:
    return pd.DataFrame(np.arange(20.0).reshape(5, 4), columns=list("abcd")).iloc[::2, ::2]


def _pytz() -> pd.DataFrame:
    import pytz

    return typed(
        pd.date_range("2024-10-27", periods=4, freq="h").tz_localize(
            pytz.timezone("Europe/Prague"), ambiguous="infer"
        )
    )


def _dateutil() -> pd.DataFrame:
    from dateutil import tz

    zone = tz.gettz("Europe/Prague")
    if zone is None:
        raise ImportError("no time zones for dateutil on this machine")
    try:
        return typed(pd.date_range("2024-01-01", periods=3).tz_localize(zone))
    except AttributeError:
        raise ImportError("this pandas and this dateutil do not go together") from None


def _no_duplicates() -> pd.DataFrame:
    return pd.DataFrame({"x": [1, 2]}).set_flags(allows_duplicate_labels=False)


FRAMES: dict[str, Callable[[], pd.DataFrame]] = {
    # numbers
    **{
        f"numpy {name}": lambda name=name: typed(np.array([0, 1, 2, 100]).astype(name))
        for name in ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
    },
    **{
        f"numpy {name} with NaN and infinity": lambda name=name: typed(
            np.array([0.5, np.nan, -np.inf, -0.0], dtype=name)
        )
        for name in ("float16", "float32", "float64", "longdouble")
    },
    **{
        f"numpy {name}": lambda name=name: typed(
            np.array([1 + 2j, complex(np.nan, 1), complex(-0.0, np.inf)], dtype=name)
        )
        for name in ("complex64", "complex128", "clongdouble")
    },
    "longdouble beyond double": lambda: typed(np.array([np.longdouble(1) / 3, np.longdouble("1e4000")])),
    "the limits of int64": lambda: typed([-(2**63), 2**63 - 1, 0]),
    "the limit of uint64": lambda: typed([2**64 - 1, 2**63, 0], "uint64"),
    "big-endian int64": lambda: typed(np.array([1, 2, 3], dtype=">i8")),
    "big-endian float64": lambda: typed(np.array([1.5, np.nan], dtype=">f8")),
    "big-endian datetime64": lambda: typed(np.array(["2024-01-01", "NaT"], dtype=">M8[ns]")),
    "a view with strides": _strided,
    # nullable
    **{
        f"nullable {name}": lambda name=name: typed([1, None, 0], name)
        for name in ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "boolean")
    },
    "nullable Float32": lambda: typed([1.5, None, -0.0], "Float32"),
    "nullable Float64": lambda: typed([1.5, None, np.inf], "Float64"),
    "nullable Int64 beyond double": lambda: typed([2**53 + 1, None, -(2**63)], "Int64"),
    "nullable Int64 of gaps only": lambda: typed([None, None], "Int64"),
    # text
    "default text": lambda: typed(["a", None, "", "ž", "🙂", "a\0b", "line\nline"]),
    "python text with NaN": lambda: typed(["a", np.nan], text_with_nan("python")),
    "python text with NA": lambda: typed(["a", None], pd.StringDtype("python")),
    "arrow text with NA": lambda: typed(["a", None], pd.StringDtype("pyarrow")),
    "arrow text with NaN": lambda: typed(["a", None], text_with_nan("pyarrow")),
    "text of gaps only": lambda: typed([None, None], pd.StringDtype("pyarrow")),
    "lone surrogate as text": lambda: typed(["a", "\ud800", None], pd.StringDtype("python")),
    "lone surrogate as object": lambda: cells("a", "\udcff", None),
    "text as objects": lambda: cells("a", "b", None),
    "text as objects with three kinds of nothing": lambda: cells("a", None, np.nan, pd.NA, pd.NaT),
    "text that looks like our tags": lambda: cells('{"$tuple":[1]}', 1),
    # moments
    **{
        f"datetime64[{unit}]": lambda unit=unit: typed(
            np.array(["2024-01-01T10:20:30", "NaT"], dtype=f"M8[{unit}]")
        )
        for unit in ("s", "ms", "us", "ns")
    },
    **{
        f"datetime64[{unit}] with a zone": lambda unit=unit: typed(
            pd.DatetimeIndex(np.array(["2024-10-27T00:30:00", "NaT"], dtype=f"M8[{unit}]"))
            .tz_localize("UTC")
            .tz_convert(PRAGUE)
        )
        for unit in ("s", "ms", "us", "ns")
    },
    "nanoseconds": lambda: typed(pd.to_datetime([1, 1700000000000000001])),
    "the limits of datetime64[ns]": lambda: typed(np.array([-(2**63) + 1, 2**63 - 1]).view("M8[ns]")),
    "year 1 and year 9999": lambda: typed(np.array(["0001-01-01", "9999-12-31"], dtype="M8[s]")),
    "year 400000": lambda: typed(np.array([12_600_000_000_000, 0]).view("M8[s]")),
    "year 400000 with a zone": lambda: typed(
        pd.DatetimeIndex(np.array([12_600_000_000_000, 0]).view("M8[s]")).tz_localize("UTC")
    ),
    "zone UTC": lambda: typed(pd.date_range("2024-01-01", periods=3, tz="UTC")),
    "zone with a fixed offset": lambda: typed(
        pd.date_range("2024-01-01", periods=3, tz=timezone(timedelta(minutes=-90)))
    ),
    "zone of dateutil": _dateutil,
    **{
        f"timedelta64[{unit}]": lambda unit=unit: typed(np.array([1, -5, "NaT"], dtype=f"m8[{unit}]"))
        for unit in ("s", "ms", "us", "ns")
    },
    "periods by month": lambda: typed(pd.period_range("2024-01", periods=3, freq="M")),
    "periods by week ending on Tuesday": lambda: typed(pd.PeriodIndex(["2024-01-01", None], freq="W-TUE")),
    "periods by quarter": lambda: typed(pd.period_range("2024Q1", periods=3, freq="Q-NOV")),
    "dates as objects": lambda: cells(date(2024, 1, 1), None, date(1, 1, 1), date(9999, 12, 31)),
    "datetimes as objects": lambda: cells(datetime(2024, 1, 1, 10, 0, 0, 1), None, datetime(1, 1, 1)),
    "date and datetime": lambda: cells(date(2024, 1, 1), datetime(2024, 1, 1, 10)),
    "naive and aware datetimes": lambda: cells(datetime(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC)),
    "aware datetimes as objects": lambda: cells(
        datetime(2024, 1, 1, tzinfo=PRAGUE), datetime(2024, 7, 1, tzinfo=PRAGUE)
    ),
    "a repeated hour": lambda: cells(
        datetime(2024, 10, 27, 2, 30, tzinfo=PRAGUE), datetime(2024, 10, 27, 2, 30, tzinfo=PRAGUE, fold=1)
    ),
    "timestamps of pandas as objects": lambda: cells(pd.Timestamp("2024-01-01"), pd.Timestamp(1), pd.NaT),
    "timestamps with two zones": lambda: cells(
        pd.Timestamp("2024-01-01", tz="UTC"), pd.Timestamp("2024-01-01", tz=PRAGUE)
    ),
    "timedeltas as objects": lambda: cells(timedelta(days=1, microseconds=1), None, timedelta(-5)),
    "timedeltas of pandas as objects": lambda: cells(pd.Timedelta("1D"), pd.Timedelta(1, "ns")),
    "times": lambda: cells(time(10, 20, 30, 1), None, time(0)),
    "times with a zone": lambda: cells(time(10, tzinfo=UTC), time(10)),
    # objects
    "whole numbers as objects beyond double": lambda: cells(2**53 + 1, None, -(2**63)),
    "whole numbers beyond int64": lambda: cells(2**63, None, 1),
    "whole numbers beyond uint64": lambda: cells(2**64, -1, None),
    "whole numbers beyond everything": lambda: cells(10**60, -(10**60)),
    "truth values as objects": lambda: cells(True, None, False),
    "truth values and numbers": lambda: cells(True, 1, 0, False),
    "floats as objects": lambda: cells(1.5, None, float("nan"), -0.0),
    "whole numbers and floats": lambda: cells(1, 1.0, float("nan"), float("inf")),
    "numbers and text": lambda: cells(1, "1", None),
    "bytes": lambda: cells(b"x", None, b"\xff\0"),
    "bytes and text": lambda: cells(b"x", "y"),
    "bytearrays": lambda: cells(bytearray(b"x"), bytearray()),
    "decimals": lambda: cells(Decimal("1.10"), None, Decimal("-2.25")),
    "decimals of several scales": lambda: cells(
        Decimal("1.1"), Decimal("1.10"), Decimal("1E+3"), Decimal("0")
    ),
    "decimal NaN": lambda: cells(Decimal("NaN"), Decimal("1"), None),
    "decimal infinity": lambda: cells(Decimal("Infinity"), Decimal("-0.0")),
    "decimal negative zero": lambda: cells(Decimal("-0.00"), Decimal("1.00")),
    "decimals of 77 digits": lambda: cells(Decimal(10) ** 76 + 1, Decimal("1.5")),
    "decimals of 50 digits and of every kind": lambda: cells(
        Decimal("0." + "0" * 48 + "1"), Decimal("1E+60"), Decimal("-0.0"), Decimal("NaN"), None, Decimal("7")
    ),
    "decimals of 38 digits": lambda: cells(Decimal("9" * 38), Decimal("1")),
    "decimals and floats": lambda: cells(Decimal("1.5"), 1.5),
    "complex as objects": lambda: cells(1 + 2j, None),
    "lists of numbers": lambda: cells([1, 2], [], None, [None]),
    "lists of one length": lambda: cells([1, 2], [3, 4]),
    "arrays of one shape": lambda: cells(np.array([1, 2]), np.array([3, 4])),
    "lists of text": lambda: cells(["a"], None, ["b", None]),
    "lists of several kinds": lambda: cells([1, "a"], [2.5]),
    "lists in lists": lambda: cells([[1], []], [[2, 3]]),
    "tuples": lambda: cells((1, 2), (), None),
    "tuples and lists": lambda: cells((1, 2), [1, 2]),
    "sets": lambda: cells({1, 2}, set(), frozenset({"a"})),
    "dicts with the same keys": lambda: cells({"a": 1, "b": "x"}, {"a": None, "b": "y"}, None),
    "dicts with different keys": lambda: cells({"a": 1}, {"b": 2}),
    "dicts in another order": lambda: cells({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    "empty dicts": lambda: cells({}, {}, None),
    "dicts with keys that are not text": lambda: cells({1: "a", (1, 2): "b", None: None}),
    "dicts that look like our tags": lambda: cells({"$tuple": [1]}, {"$": 1}),
    "arrays of numpy": lambda: cells(np.array([1, 2], dtype="i2"), np.array([[1.5, np.nan]])),
    "arrays of objects": lambda: cells(np.array([1, "a", None], dtype=object)),
    "numpy scalars": lambda: cells(np.int64(1), np.int64(2), None),
    "numpy scalars of several kinds": lambda: cells(
        np.int8(1),
        np.float32(1.5),
        np.bool_(True),
        np.str_("a"),
        np.bytes_(b"a"),
        np.datetime64("2024-01-01", "D"),
    ),
    "numpy NaN": lambda: cells(np.float64("nan"), np.float64(1.5)),
    "complex numpy scalars": lambda: cells(np.complex64(1 + 2j), np.timedelta64(5, "s")),
    "uuids": lambda: cells(UUID(int=1), UUID(int=2**128 - 1), None),
    "intervals and periods as objects": lambda: cells(pd.Interval(0, 1), pd.Period("2024-01", "M")),
    "ranges": lambda: cells(range(3), range(0, 10, 2)),
    "None only": lambda: cells(None, None),
    "NaN only, as objects": lambda: cells(np.nan, np.nan),
    "NaT and NA only, as objects": lambda: cells(pd.NaT, pd.NA),
    "enum members": lambda: cells(Colour.RED, None),
    "members of an int enum": lambda: cells(Number.ONE, 2),
    "a subclass of text": lambda: cells(Text("a"), "b"),
    "objects of an unknown class": lambda: cells(Custom(), 1),
    # categories
    "categories of text": lambda: typed(
        pd.Categorical(["b", "a", None, "b"], categories=["b", "a", "unused"])
    ),
    "ordered categories": lambda: typed(
        pd.Categorical(["low", "high"], categories=["low", "mid", "high"], ordered=True)
    ),
    "categories of whole numbers": lambda: typed(pd.Categorical([3, 1, None], categories=[3, 2, 1])),
    "categories of floats": lambda: typed(pd.Categorical([0.5, None, 1e300])),
    "categories of truth values": lambda: typed(pd.Categorical([True, False, None])),
    "categories of moments": lambda: typed(pd.Categorical(pd.to_datetime(["2024-01-01", None]))),
    "categories of moments with a zone": lambda: typed(
        pd.Categorical(pd.date_range("2024-01-01", periods=2, tz=PRAGUE))
    ),
    "categories of intervals": lambda: typed(pd.cut([1.0, 5.0, np.nan, 9.0], [0, 3, 6, 10])),
    "categories of periods": lambda: typed(pd.Categorical(pd.period_range("2024-01", periods=2, freq="M"))),
    "categories of dates": lambda: typed(pd.Categorical([date(2024, 1, 1), None, date(2024, 1, 2)])),
    "categories of several kinds": lambda: typed(pd.Categorical([1, "1", None, "a"])),
    "categories of tuples": lambda: typed(
        pd.Categorical.from_codes([0, 1, -1], categories=pd.Index([(1, 2), (3,)], tupleize_cols=False))
    ),
    "no categories": lambda: typed(pd.Categorical([None, None], categories=[])),
    # other dtypes
    "intervals": lambda: typed(pd.arrays.IntervalArray.from_tuples([(0, 1), np.nan, (2, 3)], closed="left")),
    "intervals of whole numbers": lambda: typed(pd.interval_range(0, 3)),
    "intervals of moments": lambda: typed(pd.interval_range(pd.Timestamp("2024-01-01"), periods=3)),
    "sparse floats": lambda: typed(pd.arrays.SparseArray([np.nan, 1.5, np.nan])),
    "sparse whole numbers": lambda: typed(pd.arrays.SparseArray([0, 0, 1], fill_value=0)),
    "sparse truth values": lambda: typed(pd.arrays.SparseArray([True, False, False], fill_value=False)),
    **{
        f"arrow {kind}": lambda kind=kind, values=values: arrow(values, kind)
        for kind, values in (
            (pa.int64(), [1, None]),
            (pa.string(), ["a", None]),
            (pa.large_string(), ["a", None]),
            (pa.float16(), [1.5, None]),
            (pa.bool_(), [True, None]),
            (pa.binary(), [b"a", None]),
            (pa.binary(2), [b"ab", None]),
            (pa.date32(), [date(2024, 1, 1), None]),
            (pa.date64(), [date(2024, 1, 1), None]),
            (pa.time32("s"), [time(10), None]),
            (pa.time32("ms"), [time(10), None]),
            (pa.time64("us"), [time(10, 0, 0, 1), None]),
            (pa.timestamp("s"), [datetime(2024, 1, 1), None]),
            (pa.timestamp("ms", "Europe/Prague"), [datetime(2024, 1, 1), None]),
            (pa.timestamp("ns"), [datetime(2024, 1, 1), None]),
            (pa.duration("s"), [timedelta(1), None]),
            (pa.duration("ns"), [timedelta(1), None]),
            (pa.decimal128(10, 3), [Decimal("1.500"), None]),
            (pa.decimal256(50, 3), [Decimal("1.500"), None]),
            (pa.decimal256(76, 60), [Decimal("1E-60"), None, Decimal("-" + "9" * 16 + "." + "9" * 60)]),
            (pa.decimal256(76, -3), [Decimal("12E+3"), None, Decimal("-9E+3")]),
            (pa.list_(pa.int64()), [[1, None], None]),
            (pa.large_list(pa.string()), [["a"], None]),
            (pa.list_(pa.int32(), 2), [[1, 2], None]),
            (pa.list_(pa.duration("s")), [[timedelta(1)], None]),
            (pa.struct([("a", pa.int64()), ("b", pa.large_string())]), [{"a": 1, "b": "x"}, None]),
            (pa.struct([]), [{}, None]),
            (pa.map_(pa.string(), pa.int64()), [[("a", 1)], None]),
            (pa.dictionary(pa.int8(), pa.string()), ["a", None]),
            (pa.dictionary(pa.int32(), pa.int64()), [5, None]),
            (pa.null(), [None, None]),
        )
    },
    # names of columns
    "duplicate names": lambda: named(["a", "a"]),
    "names that differ in case": lambda: named(["a", "A", "c1"]),
    "names that are numbers": lambda: named([1, 2.5, None]),
    "names of text and numbers": lambda: named(["a", 1]),
    "a range of names": lambda: pd.DataFrame([[1, 2], [3, 4]]),
    "names that are missing": lambda: named(pd.Index([pd.NA, "a"], dtype=object)),
    "names in several levels": lambda: named(
        pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["x", None])
    ),
    "names that are moments": lambda: named(pd.date_range("2024-01-01", periods=2, freq="D", name="day")),
    "names that are tuples": lambda: named(pd.Index([("a", 1), "b"], tupleize_cols=False)),
    "names that are categories": lambda: named(pd.CategoricalIndex(["a", "b"], ordered=True)),
    "an empty name": lambda: named(["", " ", "a.b", 'q"q']),
    "names like our own": lambda: named(["index.0", "_no_columns", "c0"]),
    "a name with a zero byte": lambda: named(["a\0b", "a"]),
    "a lone surrogate as a name": lambda: named(pd.Index(["\ud800", "b"], dtype=object)),
    "a name for the names": lambda: named(pd.Index(["a", "b"], name="fields")),
    # indexes
    "an index of text": lambda: indexed(pd.Index(["a", "b", "b"], name="key")),
    "an index of whole numbers": lambda: indexed(pd.Index([5, 3, 5])),
    "a range with steps": lambda: indexed(pd.RangeIndex(10, 0, -3, name="down")),
    "an index with a frequency": lambda: indexed(
        pd.date_range("2024-01-01", periods=3, freq="2h", tz=PRAGUE)
    ),
    "an index of business days": lambda: indexed(pd.date_range("2024-01-01", periods=3, freq="B")),
    "an index of custom business days": _custom_day_index,
    "an index of timedeltas": lambda: indexed(pd.timedelta_range("1h", periods=3, freq="h")),
    "an index of periods": lambda: indexed(pd.period_range("2024-01", periods=3, freq="M")),
    "an index of intervals": lambda: indexed(pd.interval_range(0, 3)),
    "an index of categories": lambda: indexed(pd.CategoricalIndex(["a", "b", "a"], categories=["b", "a"])),
    "an index of several levels": lambda: indexed(
        pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["x", None])
    ),
    "an index of levels with gaps": lambda: indexed(pd.MultiIndex.from_arrays([["a", None], [1.5, np.nan]])),
    "an index of objects": lambda: indexed(
        pd.Index([1, "a", None, (1, 2)], dtype=object, tupleize_cols=False)
    ),
    "an index of numbers of other widths": lambda: indexed(pd.Index([1, 2], dtype="int8")),
    "an index of nullable numbers": lambda: indexed(pd.Index([1, None], dtype="Int64")),
    "an index named like a column": lambda: indexed(pd.Index(["a", "b"], name="x")),
    # shapes
    "mixed columns": mixed,
    "no rows": lambda: mixed().iloc[:0],
    "no columns": lambda: pd.DataFrame(index=range(5)),
    "no columns, with an index": lambda: pd.DataFrame(index=pd.Index(["a", "b"])),
    "nothing at all": pd.DataFrame,
    "no rows, of objects": cells,
    "no rows, of intervals": lambda: typed(pd.interval_range(0, 3)[:0]),
    "no rows, of categories": lambda: typed(pd.Categorical([], categories=["a"])),
    "no rows, with an index": lambda: indexed(pd.Index([], dtype="M8[ns]")),
    "no rows, of arrow text": lambda: arrow([], pa.string()),
    "one row": lambda: mixed().iloc[3:4],
    "rows in another order": lambda: mixed().iloc[::-1],
    "three hundred columns": lambda: pd.DataFrame({f"column {place}": [place] for place in range(300)}),
    "no duplicate labels": _no_duplicates,
    "attrs": lambda: with_attrs({"source": "movies", "when": date(2024, 1, 1), 1: (2, 3)}),
    "attrs of an unknown class": lambda: with_attrs({"x": Custom()}),
    "a subclass of DataFrame": lambda: Frame({"x": [1, 2]}),
}

LOSSY: dict[str, str] = {
    "enum members": "Colour",
    "members of an int enum": "Number",
    "a subclass of text": "Text",
    "objects of an unknown class": "Custom",
    "attrs of an unknown class": "Custom",
    "a subclass of DataFrame": "Frame",
    "an index of custom business days": "freq",
}
