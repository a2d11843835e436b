"""``components``: list and describe pipeline components."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from osiris_inspect.base.near_names import did_you_mean
from osiris_inspect.cli.support import streams
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
    """List every component with a one-line description."""
    from osiris_inspect.runtime.pipeline import builtin_components as built_in

    known = built_in.all_components()
    width = max(map(len, known))
    for name in sorted(known):
        streams.write_stdout(f"{name:<{width}}  {known[name].summary}\n")


def show_command(
    name: Annotated[str, typer.Argument(help="Name of the component.", show_default=False)],
) -> None:
    """Print the keys, defaults and an example of one component."""
    from osiris_inspect.runtime.pipeline import builtin_components as built_in

    component = built_in.all_components().get(name)
    if component is None:
        known = tuple(sorted(built_in.all_components()))
        raise SettingsError(
            f"unknown component {name!r}{did_you_mean(name, known) or '; choose from ' + ', '.join(known)}"
        )
    streams.write_stdout("".join(f"{line}\n" for line in _page(component)))


def _page(component: "Component") -> Iterator[str]:
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
        install = f" (pip install 'osiris-inspect[{component.extra}]')" if component.extra else ""
        yield f"requires     {', '.join(component.requires)}{install}"
    yield ""
    yield "config"
    keys = [key for key in component.keys if not key.ignored]
    width = max(len(key.name) for key in keys)
    for key in keys:
        yield f"  {key.name:<{width}}  {key.type_name}{_constraints(key)}"
        yield f"  {'':<{width}}  {key.description}"
    ignored = [key.name for key in component.keys if key.ignored]
    if ignored:
        yield f"  accepted but ignored: {', '.join(ignored)}"
    yield ""
    yield "example"
    yield from (f"  {line}" for line in component.example.splitlines())


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
