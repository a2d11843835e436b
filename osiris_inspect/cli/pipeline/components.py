"""``components``: list and describe pipeline components."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from osiris_inspect.base.install_hint import install_extras_command
from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.completion import complete_component
from osiris_inspect.model.errors import SettingsError

if TYPE_CHECKING:
    from osiris_inspect.runtime.pipeline.component import Component, ConfigKey


def register(app: typer.Typer) -> None:
    """Add the commands."""
    family = typer.Typer(help="List and describe pipeline components.", no_args_is_help=True)
    family.command("list")(list_command)
    family.command("show")(show_command)
    app.add_typer(family, name="components")


def list_command() -> None:
    """List every component with a one-line description, and the extra that it needs."""
    from osiris_inspect.runtime.pipeline import builtin_components as built_in
    from osiris_inspect.runtime.pipeline.component import unsupported_systems

    known = built_in.all_components()
    width = max(map(len, known))
    for name in sorted(known):
        extra = f" [extra {known[name].extra}]" if known[name].extra else ""
        streams.write_stdout(f"{name:<{width}}  {known[name].summary}{extra}\n")
    streams.write_stdout(f"\nnot supported: {', '.join(unsupported_systems(known))}\n")


def show_command(
    name: Annotated[
        str,
        typer.Argument(help="Name of the component.", show_default=False, autocompletion=complete_component),
    ],
) -> None:
    """Print the keys, defaults and an example of one component and of its connection."""
    from osiris_inspect.runtime.pipeline import builtin_components as built_in
    from osiris_inspect.runtime.pipeline.component import near_components, unknown_component

    component = built_in.all_components().get(name)
    if component is None:
        known = tuple(built_in.all_components())
        raise SettingsError(unknown_component(name, known, near_components(name, known)))
    streams.write_stdout("".join(f"{line}\n" for line in _page(component)))


def _page(component: "Component") -> Iterator[str]:
    from osiris_inspect.runtime.connections.connections import FILE
    from osiris_inspect.runtime.connections.families import COMMON_KEYS, FAMILIES, example_lines

    yield component.name
    yield f"  {component.summary}"
    for sentence in component.capabilities:
        yield f"  - {sentence}"
    yield ""
    yield f"mode         {', '.join(component.modes)}"
    yield f"inputs       {component.inputs}"
    yield f"output       {'a frame' if component.produces_frame else 'none'}"
    if component.family is not None:
        yield f"connection   {component.connection}, family {component.family}"
    if component.requires:
        install = f" ({install_extras_command(component.extra)})" if component.extra else ""
        yield f"requires     {', '.join(component.requires)}{install}"
    yield ""
    yield "config"
    keys = [key for key in component.keys if not key.ignored]
    yield from _described(keys)
    ignored = [key.name for key in component.keys if key.ignored]
    if ignored:
        yield f"  accepted but ignored: {', '.join(ignored)}"
    family = FAMILIES.get(component.family or "")
    if family is not None:
        yield ""
        yield f"keys of a connection of family {family.name}"
        yield from _described((*family.keys, *COMMON_KEYS))
        if family.ignored:
            yield f"  accepted but ignored: {', '.join(family.ignored)}"
    yield ""
    yield "example step (below steps: of a pipeline)"
    yield from (f"  {line}" for line in component.example.splitlines())
    if family is not None and component.connection == "required":
        yield ""
        yield f"example connection ({FILE})"
        yield from (f"  {line}" for line in example_lines([family.name]))


def _described(keys: "Sequence[ConfigKey]") -> Iterator[str]:
    width = max((len(key.name) for key in keys), default=0)
    for key in keys:
        yield f"  {key.name:<{width}}  {key.type_name}{_constraints(key)}"
        yield f"  {'':<{width}}  {key.description}"


def _constraints(key: "ConfigKey") -> str:
    constraints = []
    if key.required:
        constraints.append("required")
    if key.required_when is not None:
        other, values = key.required_when
        constraints.append(f"required with {other} {' or '.join(map(str, values))}")
    if key.instead_of:
        constraints.append(f"required unless {key.instead_of} is set")
    if key.default is not None:
        constraints.append(f"default {key.default!r}")
    if key.choices:
        constraints.append("one of " + ", ".join(map(str, key.choices)))
    return "".join(f", {constraint}" for constraint in constraints)
