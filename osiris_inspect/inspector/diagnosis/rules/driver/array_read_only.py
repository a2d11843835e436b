"""A driver wrote into an array that is read-only.

What it finds:
    An error of numpy or pandas about a read-only array.

Why it matters:
    Arrays that are views of Arrow data, of a memory map or of a DataFrame with copy-on-write cannot be changed. The same
    code works where the frame was copied, for example locally.

How to fix:
    Copy the array before writing into it.

Example:
    `ValueError: assignment destination is read-only`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

EXPLAINS = ("driver-raised",)
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"assignment destination is read-only|buffer source array is read-only|output array is read-only"
            r"|cannot set WRITEABLE flag|[Cc]annot modify read-only array"
        ),
        message="the driver wrote into an array that must not be changed, such as a view of Arrow data",
        fix="copy before writing: df = df.copy(), or to_numpy(copy=True)",
        domain="code",
    ),
)
