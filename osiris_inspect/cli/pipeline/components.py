"""``components``: what pipelines can be made of."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from osiris_inspect.model.errors import SettingsError

if TYPE_CHECKING:
    from osiris_inspect.runtime.pipeline.component import Component, ConfigKey


def register(app: typer.Typer) -> None:
    """Add the commands."""
    family = typer.Typer(help="What pipelines can be made of.", no_args_is_help=True)
    family.command("list")(list_command)
    family.command("show")(show_command)
    app.add_typer(family, name="components")


def list_command() -> None:
    """Name every component, with a line about each."""
    from osiris_inspect.runtime.pipeline import builtin_components as built_in

    known = built_in.all_components()
    width = max(map(len, known))
    for name in sorted(known):
        typer.echo(f"{name:<{width}}  {known[name].summary}")


def show_command(name: Annotated[str, typer.Argument(help="Its name.", show_default=False)]) -> None:
    """Everything about one component: keys, defaults, an example to copy."""
    from osiris_inspect.base.near_names import did_you_mean
    from osiris_inspect.runtime.pipeline import builtin_components as built_in

    component = built_in.all_components().get(name)
    if component is None:
        known = tuple(sorted(built_in.all_components()))
        raise SettingsError(
            f"no component {name!r}{did_you_mean(name, known) or '; there are ' + ', '.join(known)}"
        )
    for line in _page(component):
        typer.echo(line)


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
        how = f" (pip install 'osiris-inspect[{component.extra}]')" if component.extra else ""
        yield f"requires     {', '.join(component.requires)}{how}"
    yield ""
    yield "config"
    shown = [key for key in component.keys if not key.ignored]
    width = max(len(key.name) for key in shown)
    for key in shown:
        yield f"  {key.name:<{width}}  {key.type_name}{_facts(key)}"
        yield f"  {'':<{width}}  {key.description}"
    quiet = [key.name for key in component.keys if key.ignored]
    if quiet:
        yield f"  taken and without effect: {', '.join(quiet)}"
    yield ""
    yield "example"
    yield from (f"  {line}" for line in component.example.splitlines())


def _facts(key: "ConfigKey") -> str:
    facts = []
    if key.required:
        facts.append("required")
    if key.required_when is not None:
        other, values = key.required_when
        facts.append(f"required with {other} {' or '.join(map(str, values))}")
    if key.default is not None:
        facts.append(f"default {key.default!r}")
    if key.choices:
        facts.append("one of " + ", ".join(map(str, key.choices)))
    return "".join(f", {fact}" for fact in facts)
