"""`/privacy`: what is kept and why, opting out and in, and what the law gives people: a copy, and erasure."""

from __future__ import annotations

import json
from typing import Any, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.errors import report_error
from bot.i18n import Translate, mark, translator
from bot.store import GRACE, Store


class Privacy(commands.Cog):
    """Says what is kept, and lets everybody decide for themselves.

    Keeps the bare user id of whoever opts out; opting in, or "Erase", deletes it.
    """

    def __init__(self, bot: commands.AutoShardedBot, store: Store) -> None:
        self._bot = bot
        self._store = store
        self._buttons = _Buttons(self, store)

    async def cog_load(self) -> None:
        """Listen to the buttons of every panel, of those sent before a restart as well."""
        self._bot.add_view(self._buttons)

    async def cog_unload(self) -> None:
        """Listen no more."""
        self._buttons.stop()

    @app_commands.command(name="privacy", description="See what is kept of you and why, opt out, or erase it")
    async def privacy(self, interaction: discord.Interaction) -> None:
        """Show the panel to nobody but the one who asked."""
        embed, view = self.panel(interaction)
        await interaction.response.send_message(embed=embed, view=view, ephemeral=True)

    def panel(self, interaction: discord.Interaction) -> tuple[discord.Embed, discord.ui.View]:
        """What is kept and why, how things stand with whoever asks, and what they can do."""
        _ = translator(interaction.locale)
        opted_out = self._store.has_opted_out(interaction.user.id)
        kept = (
            _("the settings of a server, so that I behave as it wants me to"),
            _("how many messages of a channel had which emotion in which hour, for {days} days: for /mood").format(
                days=self._store.mood_days
            ),
            _("which emotion I heard and which was meant, when somebody tells me, without the message"),
            _("the bare user id of whoever opts out, so that I know whom not to read"),
        )
        lines = (
            _(
                "I read each message only for the moment that it takes to hear its emotion, and forget it at once. "
                "I never keep what people write, keep nothing by author, and learn nothing from messages."
            ),
            "",
            _("All that I keep:"),
            *(f"- {what}" for what in kept),
            "",
            _("What is kept of a server is erased {days} days after I have left it.").format(days=GRACE.days),
            "",
            f"**{self._standing(_, opted_out)}**",
        )
        embed = discord.Embed(title=_("Your privacy"), description="\n".join(lines), colour=discord.Colour.blurple())
        return embed, self._buttons.choices(_, opted_out)

    def _standing(self, _: Translate, opted_out: bool) -> str:
        if not self._store.ready:
            return _("Whether you have opted out cannot be looked up just now.")
        if opted_out:
            return _("You have opted out: I read nothing of yours but what you type into /compare.")
        return _("You have not opted out: I read your messages.")


class _Buttons(discord.ui.View):
    """The buttons under `/privacy`: the one instance answers every press, on whichever panel it was."""

    def __init__(self, cog: Privacy, store: Store) -> None:
        super().__init__(timeout=None)
        self._cog = cog
        self._store = store

    def choices(self, _: Translate, opted_out: bool) -> discord.ui.View:
        """Those of the panel. Opting out and in keep their places, so that a second click cannot undo the first."""
        return _shown(
            _, self.opt_out, self.opt_in, self.kept, self.erase, disabled=self.opt_out if opted_out else self.opt_in
        )

    @discord.ui.button(label=mark("Opt out"), custom_id="privacy:opt-out", style=discord.ButtonStyle.primary)
    async def opt_out(self, interaction: discord.Interaction, _button: discord.ui.Button[Self]) -> None:
        """Read nothing more of whoever presses."""
        await self._store.opt_out(interaction.user.id)
        await self._back(interaction)

    @discord.ui.button(label=mark("Opt in"), custom_id="privacy:opt-in", style=discord.ButtonStyle.primary)
    async def opt_in(self, interaction: discord.Interaction, _button: discord.ui.Button[Self]) -> None:
        """Read again what whoever presses writes."""
        await self._store.opt_in(interaction.user.id)
        await self._back(interaction)

    @discord.ui.button(label=mark("What is kept of me"), custom_id="privacy:kept")
    async def kept(self, interaction: discord.Interaction, _button: discord.ui.Button[Self]) -> None:
        """Hand out a copy, which programs can read as well."""
        _ = translator(interaction.locale)
        copy = json.dumps(await self._store.export_user(interaction.user.id), indent=2)
        sentence = _("This is all that is kept of you:")
        await interaction.response.send_message(f"{sentence}\n```json\n{copy}\n```", ephemeral=True)

    @discord.ui.button(label=mark("Erase"), custom_id="privacy:erase", style=discord.ButtonStyle.danger)
    async def erase(self, interaction: discord.Interaction, _button: discord.ui.Button[Self]) -> None:
        """Say what erasing comes to, and ask once more."""
        _ = translator(interaction.locale)
        kept = await self._store.export_user(interaction.user.id)
        if not kept["opted_out"]:
            sentence = _("Nothing is kept of you, so there is nothing to erase.")
            await interaction.response.send_message(sentence, ephemeral=True)
            return
        question = _(
            "All that is kept of you is that you have opted out. Once that is erased, I read your messages again."
        )
        view = _shown(_, self.keep_it, self.erase_it)
        await interaction.response.edit_message(content=question, embed=None, view=view)

    @discord.ui.button(label=mark("Keep it"), custom_id="privacy:erase:no")
    async def keep_it(self, interaction: discord.Interaction, _button: discord.ui.Button[Self]) -> None:
        """Leave all as it is."""
        await self._back(interaction)

    @discord.ui.button(label=mark("Erase it"), custom_id="privacy:erase:yes", style=discord.ButtonStyle.danger)
    async def erase_it(self, interaction: discord.Interaction, _button: discord.ui.Button[Self]) -> None:
        """Forget whoever presses."""
        await self._store.erase_user(interaction.user.id)
        await self._back(interaction, mark("It is erased, and nothing is kept of you any more."))

    async def on_error(
        self, interaction: discord.Interaction, error: Exception, _item: discord.ui.Item[Any], /
    ) -> None:
        """Tell whoever pressed."""
        await report_error(interaction, "A button of /privacy", error)

    async def _back(self, interaction: discord.Interaction, news: str | None = None) -> None:
        _ = translator(interaction.locale)
        embed, view = self._cog.panel(interaction)
        await interaction.response.edit_message(content=news and _(news), embed=embed, view=view)


def _shown(
    _: Translate, *buttons: discord.ui.Button[_Buttons], disabled: discord.ui.Button[_Buttons] | None = None
) -> discord.ui.View:
    """Buttons in the reader's language, in a view that does not listen, since another one does."""
    view = discord.ui.View()
    for button in buttons:
        view.add_item(
            discord.ui.Button(
                label=_(str(button.label)),
                custom_id=button.custom_id,
                style=button.style,
                disabled=button is disabled,
            )
        )
    view.stop()
    return view
