"""Command palette: every key of the current screen as a command, by its description."""

from collections.abc import Iterator
from functools import partial
from inspect import unwrap

from textual import work
from textual.await_complete import AwaitComplete
from textual.binding import ActiveBinding
from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.css.query import NoMatches
from textual.widgets import Button, Input

from osiris_inspect.tui.shared.key_bindings import KEY_TABLE, KeyBinding

_NOT_LISTED = frozenset({"commands", "leave_filter", "keep_filter"})
"""Keys that do nothing from the palette: it is open, and the filter box has lost the focus."""


class KeyPalette(CommandPalette):
    """Command palette that ignores keys while it is being opened or closed; in Textual's, they end the app.

    A letter or a second enter may arrive after the list is closed, and a move by a page before the list has a height.
    """

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Close the palette, once; its command runs once too."""
        if not self.is_current:
            return AwaitComplete()
        self.call_next(self._forget_command)
        return super().dismiss(result)

    def _forget_command(self) -> None:
        self._selected_command = None

    def _select_or_command(self, event: Input.Submitted | Button.Pressed | None = None) -> None:
        if self.is_current:
            super()._select_or_command(event)

    @work(exclusive=True, group=CommandPalette._GATHER_COMMANDS_GROUP)
    async def _gather_commands(self, search_value: str) -> None:
        try:
            await unwrap(CommandPalette._gather_commands)(self, search_value)
        except NoMatches:
            if self.query(CommandList):  # else it was closed before or during the search
                raise

    def _action_command_list(self, action: str) -> None:
        # the lines of the commands are laid out after the list has a height
        if any(
            commands.scrollable_content_region and (commands._index_to_line or not commands.options)
            for commands in self.query(CommandList)
        ):
            super()._action_command_list(action)


class KeyCommands(Provider):
    """Provider of the commands that the keys of the screen run, with the user's own keys as help."""

    async def discover(self) -> Hits:
        """Yield all commands, for an empty query."""
        for key, active in self._commands():
            yield DiscoveryHit(_title(key), partial(self._run, active), help=_help(key, active))

    async def search(self, query: str) -> Hits:
        """Yield the commands whose description or name matches."""
        matcher = self.matcher(query)
        for key, active in self._commands():
            score = max(matcher.match(_title(key)), matcher.match(key.name.replace("_", " ")))
            if score > 0:
                yield Hit(
                    score,
                    matcher.highlight(_title(key)),
                    partial(self._run, active),
                    help=_help(key, active),
                )

    def _commands(self) -> Iterator[tuple[KeyBinding, ActiveBinding]]:
        """Yield the keys of the table that work on the screen below the palette, moves last."""
        enabled = {
            active.binding.id: active for active in self.screen.active_bindings.values() if active.enabled
        }
        for key in sorted(KEY_TABLE, key=lambda key: key.group == "Move"):
            if key.name in enabled and key.name not in _NOT_LISTED:
                yield key, enabled[key.name]

    async def _run(self, active: ActiveBinding) -> None:
        await self.app.run_action(active.binding.action, default_namespace=active.node)


def _title(key: KeyBinding) -> str:
    return key.description[0].upper() + key.description[1:]


def _help(key: KeyBinding, active: ActiveBinding) -> str:
    shown = active.binding.key_display or active.binding.key
    return f"key {shown}, name {key.name}"
