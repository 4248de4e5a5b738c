"""Values on their way between the kernel and an actor; both sides use this.

parcel.py      several values packed
unpacking.py   and unpacked
source.py      where that reads from
pickling.py    one value as a pickle and the buffers beside it
files.py       the anonymous files that large parcels travel in
line.py        the child's end of the line, which passes such files
share.py       memory that several see at once
blocker.py     the part of a value that cannot be pickled
namespace.py   values into the namespace of a cell, and out of it

Nothing of it but `files` and `line` is loaded before a value crosses.
"""
