"""Finds out the formats of files from their content."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..documents.base import nearest, quoted
from .exceptions import UnknownFormatError
from .files import LogFile
from .formats.base import Certainty, LogFormat, log_formats
from .sample import Sample

AUTO = "auto"


def check_format(wanted: str) -> None:
    """Refuses what is no format's name and not `auto`.

    Raises:
        UnknownFormatError: The nearest is named.
    """
    _candidates(wanted)


def formats_in(
    files: Sequence[LogFile], wanted: str = AUTO
) -> list[tuple[LogFormat, list[LogFile]]]:
    """The formats of files that came together, and which of them are in each.

    In an archive, files that fit less well than others are passed over.

    Args:
        files: Whose beginnings are looked at.
        wanted: A format's name, or `auto`.

    Raises:
        UnknownFormatError: No format fits, or several as well as each other.
    """
    candidates = _candidates(wanted)
    if len(files) == 1 and wanted != AUTO:
        return [(format_, [*files]) for format_ in candidates.values()]
    fits = [(file, _fit(file, candidates)) for file in files]
    best = max((fit.certainty for _, fit in fits), default=Certainty.NO)
    if best == Certainty.NO:
        raise _nothing_known(candidates)
    groups = dict[str, list[LogFile]]()
    for file, fit in fits:
        if fit.certainty == best:
            groups.setdefault(fit.only_name(file), []).append(file)
    num_others = len(files) - sum(map(len, groups.values()))
    if num_others:
        note = f"{num_others:,} other files of the archive were not read"
        next(iter(groups.values()))[0].notes.append(note)
    return [(candidates[name], chosen) for name, chosen in groups.items()]


@dataclass(frozen=True, slots=True)
class _Fit:
    certainty: Certainty
    names: list[str]

    def only_name(self, file: LogFile) -> str:
        if len(self.names) > 1:
            which = quoted(file.name) if file.name else "this"
            could = " or ".join(self.names)
            raise UnknownFormatError(f"{which} could be {could}: name the format")
        return self.names[0]


def _candidates(wanted: str) -> dict[str, LogFormat]:
    formats = log_formats()
    if wanted == AUTO:
        return formats
    if wanted not in formats:
        hint = nearest(wanted, [AUTO, *formats])
        raise UnknownFormatError(f"unknown format {quoted(wanted)}{hint}")
    return {wanted: formats[wanted]}


def _fit(file: LogFile, formats: Mapping[str, LogFormat]) -> _Fit:
    sample = Sample.of(file)
    certainties = {name: each.recognise(sample) for name, each in formats.items()}
    best = max(certainties.values())
    return _Fit(best, [name for name, each in certainties.items() if each == best])


def _nothing_known(formats: Mapping[str, LogFormat]) -> UnknownFormatError:
    if len(formats) == 1:
        return UnknownFormatError(f"no file of the archive is in {', '.join(formats)}")
    return UnknownFormatError(
        "no log in a known format: it should be a JSON document, lines of JSON, a "
        "table with a header, an event file or what a training printed, with a name "
        f"such as loss or grad_norm; or name its format, one of {', '.join(formats)}"
    )
