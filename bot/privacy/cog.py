"""`/privacy`: say what is kept and why, opt people out and in, give them a copy of their data, and erase it."""

from __future__ import annotations

import json
from typing import Any, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.errors import report_error
from bot.i18n import Translate, mark, translator
from bot.store import GRACE_PERIOD, Store


class Privacy(commands.Cog):
    """The command `/privacy` and its buttons.

    Stores only the user id of a person who opts out; opting in or "Erase" deletes it.
    """

    def __init__(self, bot: commands.AutoShardedBot, store: Store) -> None:
        self._bot = bot
        self._store = store
        self._buttons = _Buttons(self, store)

    async def cog_load(self) -> None:
        """Listen to the buttons of every panel, including those sent before a restart."""
        self._bot.add_view(self._buttons)

    async def cog_unload(self) -> None:
        """Stop listening."""
        self._buttons.stop()

    @app_commands.command(name="privacy", description="See what is kept about you and why, opt out, or erase it")
    async def privacy(self, interaction: discord.Interaction) -> None:
        """Show the panel privately."""
        embed, view = self.panel(interaction)
        await interaction.response.send_message(embed=embed, view=view, ephemeral=True)

    def panel(self, interaction: discord.Interaction) -> tuple[discord.Embed, discord.ui.View]:
        """Return an embed that says what is kept and whether the user has opted out, and a view with the buttons."""
        translate = translator(interaction.locale)
        opted_out = self._store.has_opted_out(interaction.user.id)
        kept = (
            translate("the settings of a server, so that I behave as its managers want"),
            translate("the last week whose mood I posted in a server, so that I post each only once"),
            translate.plural(
                "how many messages in a channel had which emotion, hour by hour, for {count} day: for /mood",
                "how many messages in a channel had which emotion, hour by hour, for {count} days: for /mood",
                self._store.mood_days,
            ),
            translate("which emotion I heard and which one was meant, when someone tells me, without the message"),
            translate("how often people preferred which model in blind comparisons, without the text or who voted"),
            translate("only the user ID of everyone who opts out, so that I know whose messages not to read"),
        )
        lines = (
            translate(
                "I read each message only for the moment it takes to recognise its emotion, and forget it at once. "
                "I never keep what people write, I keep nothing by author, and I don't learn from messages."
            ),
            "",
            translate("This is all I keep:"),
            *(f"- {what}" for what in kept),
            "",
            translate.plural(
                "What is kept about a server is erased {count} day after I leave it.",
                "What is kept about a server is erased {count} days after I leave it.",
                GRACE_PERIOD.days,
            ),
            "",
            f"**{self._opt_out_status(translate, opted_out)}**",
        )
        embed = discord.Embed(
            title=translate("Your privacy"), description="\n".join(lines), colour=discord.Colour.blurple()
        )
        return embed, self._buttons.choices(translate, opted_out)

    def _opt_out_status(self, translate: Translate, opted_out: bool) -> str:
        if not self._store.ready:
            return translate("I can't check right now whether you have opted out.")
        if opted_out:
            return translate("You have opted out: I only read what you type into /compare.")
        return translate("You have not opted out: I read your messages.")


class _Buttons(discord.ui.View):
    """The buttons under `/privacy`: one instance answers the presses on all panels."""

    def __init__(self, cog: Privacy, store: Store) -> None:
        super().__init__(timeout=None)
        self._cog = cog
        self._store = store

    def choices(self, translate: Translate, opted_out: bool) -> discord.ui.View:
        """Return the panel's buttons. Those to opt out and in never swap places, so a double click does no harm."""
        return _translated_view(
            translate,
            self.opt_out,
            self.opt_in,
            self.kept,
            self.erase,
            disabled=self.opt_out if opted_out else self.opt_in,
        )

    @discord.ui.button(label=mark("Opt out"), custom_id="privacy:opt-out", style=discord.ButtonStyle.primary)
    async def opt_out(self, interaction: discord.Interaction, _button: discord.ui.Button[Self]) -> None:
        """Opt out the user who pressed the button."""
        await self._store.opt_out(interaction.user.id)
        await self._show_panel(interaction)

    @discord.ui.button(label=mark("Opt in"), custom_id="privacy:opt-in", style=discord.ButtonStyle.primary)
    async def opt_in(self, interaction: discord.Interaction, _button: discord.ui.Button[Self]) -> None:
        """Opt in the user who pressed the button."""
        await self._store.opt_in(interaction.user.id)
        await self._show_panel(interaction)

    @discord.ui.button(label=mark("What is kept about me"), custom_id="privacy:kept")
    async def kept(self, interaction: discord.Interaction, _button: discord.ui.Button[Self]) -> None:
        """Send a copy of what is kept, as JSON."""
        translate = translator(interaction.locale)
        copy = json.dumps(await self._store.export_user(interaction.user.id), indent=2)
        sentence = translate("This is all that is kept about you:")
        await interaction.response.send_message(f"{sentence}\n```json\n{copy}\n```", ephemeral=True)

    @discord.ui.button(label=mark("Erase"), custom_id="privacy:erase", style=discord.ButtonStyle.danger)
    async def erase(self, interaction: discord.Interaction, _button: discord.ui.Button[Self]) -> None:
        """Explain what erasing means, and ask for confirmation."""
        translate = translator(interaction.locale)
        kept = await self._store.export_user(interaction.user.id)
        if not kept["opted_out"]:
            sentence = translate("Nothing is kept about you, so there is nothing to erase.")
            await interaction.response.send_message(sentence, ephemeral=True)
            return
        question = translate(
            "The only thing kept about you is that you opted out. If you erase it, I will read your messages again."
        )
        view = _translated_view(translate, self.keep_it, self.erase_it)
        await interaction.response.edit_message(content=question, embed=None, view=view)

    @discord.ui.button(label=mark("Keep it"), custom_id="privacy:erase:no")
    async def keep_it(self, interaction: discord.Interaction, _button: discord.ui.Button[Self]) -> None:
        """Show the panel again without erasing anything."""
        await self._show_panel(interaction)

    @discord.ui.button(label=mark("Erase it"), custom_id="privacy:erase:yes", style=discord.ButtonStyle.danger)
    async def erase_it(self, interaction: discord.Interaction, _button: discord.ui.Button[Self]) -> None:
        """Erase what is kept about the user who pressed the button."""
        await self._store.erase_user(interaction.user.id)
        await self._show_panel(interaction, mark("Erased. Nothing is kept about you any more."))

    async def on_error(
        self, interaction: discord.Interaction, error: Exception, _item: discord.ui.Item[Any], /
    ) -> None:
        """Report that a press failed."""
        await report_error(interaction, "A button of /privacy", error)

    async def _show_panel(self, interaction: discord.Interaction, notice: str | None = None) -> None:
        translate = translator(interaction.locale)
        embed, view = self._cog.panel(interaction)
        await interaction.response.edit_message(content=notice and translate(notice), embed=embed, view=view)


def _translated_view(
    translate: Translate, *buttons: discord.ui.Button[_Buttons], disabled: discord.ui.Button[_Buttons] | None = None
) -> discord.ui.View:
    """Return a view with the buttons in the user's language; it does not listen, since `_Buttons` does."""
    view = discord.ui.View()
    for button in buttons:
        view.add_item(
            discord.ui.Button(
                label=translate(str(button.label)),
                custom_id=button.custom_id,
                style=button.style,
                disabled=button is disabled,
            )
        )
    view.stop()
    return view
