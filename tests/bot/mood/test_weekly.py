from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import discord
import pytest
import simcord

from bot.connection.requests import HeldBackError
from bot.i18n import ENGLISH, translator
from bot.mood import weekly
from bot.mood.weekly import WeeklyMood, compose
from bot.store import MoodCount, Store, StoreError
from tests.bot.support import World

HIDDEN = discord.PermissionOverwrite(view_channel=False)
MUTE = discord.PermissionOverwrite(send_messages=False, attach_files=False)
NOTE = (
    "-# Only channels that everyone in this channel can see are counted. "
    "Only counts per channel and hour are kept, never per person, for 90 days."
)


@pytest.fixture
def cog(world: World) -> WeeklyMood:
    cog = world.bot.get_cog("WeeklyMood")
    assert isinstance(cog, WeeklyMood)
    cog.post_due_pictures.cancel()  # the tests call the loop themselves
    return cog


@pytest.fixture
async def now(world: World, monkeypatch: pytest.MonkeyPatch) -> datetime:
    """A Monday, an hour after the picture of the week is due by default."""
    return set_time(world, monkeypatch, "2026-11-23 10:00")


def set_time(world: World, monkeypatch: pytest.MonkeyPatch, text: str) -> datetime:
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    world.bot.requests.time.note(moment)  # so that the bot knows the time
    monkeypatch.setattr(world.bot.requests.time, "now", lambda: moment)
    return moment


def count(world: World, day: str, channel: simcord.ChannelHandle | None = None, **messages: int) -> None:
    """Count messages in the first hour of a day."""
    when = datetime.fromisoformat(f"{day} 00:30").replace(tzinfo=UTC)
    for emotion, number in messages.items():
        world.bot.store.count_mood(world.guild.id, (channel or world.channel).id, when, emotion, number)


async def turn_on_weekly(world: World, **changes: object) -> None:
    await world.configure(weekly_channel=world.channel.id, **changes)


def posted(world: World, channel: simcord.ChannelHandle | None = None) -> list[list[str]]:
    """Return the lines of each message with a picture in a channel."""
    messages = (channel or world.channel).history()
    return [message.content.split("\n") for message in messages if message.attachments]


@pytest.mark.usefixtures("now")
class TestTurnedOn:
    async def test_mood_of_the_week_is_posted_with_its_picture(self, world: World, cog: WeeklyMood) -> None:
        await turn_on_weekly(world)
        count(world, "2026-11-15", grief=500)  # the Sunday before
        count(world, "2026-11-16", joy=30, neutral=10)
        count(world, "2026-11-22", anger=10)
        count(world, "2026-11-23", grief=500)  # the day on which it is posted
        await cog.post_due_pictures()
        [lines] = posted(world)
        assert lines == [
            "### The mood of the week · Nov 16 – 22".replace(" – ", "\u2009–\u2009"),
            "😃 joy 60% · 😡 anger 20%",
            "50 messages. The mood has darkened.",
            NOTE,
        ]
        [message] = [message for message in world.channel.history() if message.attachments]
        assert message.attachments[0].filename == "mood.png"
        assert str(message.attachments[0].description).startswith(
            "Bar chart of the mood over time. The whole server, 7 days. 50 messages. Shares: joy etc. 60%,"
        )

    async def test_picture_is_posted_once_however_many_checks_and_processes(
        self, world: World, cog: WeeklyMood
    ) -> None:
        await turn_on_weekly(world)
        count(world, "2026-11-20", joy=60)
        another = WeeklyMood(world.bot, world.bot.analyzer, world.bot.store, world.bot.requests)
        for each in (cog, another, cog):
            await each.post_due_pictures()
        assert len(posted(world)) == 1

    async def test_picture_is_posted_again_in_the_next_week(
        self, world: World, cog: WeeklyMood, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await turn_on_weekly(world)
        count(world, "2026-11-20", joy=60)
        count(world, "2026-11-27", joy=60)
        await cog.post_due_pictures()
        set_time(world, monkeypatch, "2026-11-30 08:59")
        await cog.post_due_pictures()
        assert len(posted(world)) == 1
        set_time(world, monkeypatch, "2026-11-30 09:00")
        await cog.post_due_pictures()
        assert len(posted(world)) == 2

    async def test_no_picture_of_too_few_messages(self, world: World, cog: WeeklyMood) -> None:
        await turn_on_weekly(world)
        count(world, "2026-11-20", joy=49)
        await cog.post_due_pictures()
        count(world, "2026-11-21", joy=49)  # later counts make no difference
        await cog.post_due_pictures()
        assert posted(world) == []

    async def test_standouts_are_named(self, world: World, cog: WeeklyMood) -> None:
        await turn_on_weekly(world)
        for days in range(22, 36):  # no more than are needed, from the first that counts
            count(world, f"{datetime(2026, 11, 23) - timedelta(days=days):%Y-%m-%d}", joy=20, neutral=78, relief=2)
        count(world, "2026-11-20", joy=20, neutral=60, relief=20)
        count(world, "2026-11-21", joy=20, neutral=78, relief=2)
        await cog.post_due_pictures()
        [lines] = posted(world)
        assert lines[3:] == ["- Friday: 😌 **relief** more often than usual, in 20% of the messages (before: 2%)", NOTE]

    async def test_week_without_standouts_says_so(self, world: World, cog: WeeklyMood) -> None:
        await turn_on_weekly(world)
        for days in range(1, 29):
            count(world, f"{datetime(2026, 11, 23) - timedelta(days=days):%Y-%m-%d}", joy=20, neutral=80)
        await cog.post_due_pictures()
        assert posted(world)[0][3:] == ["No day stood out from the weeks before.", NOTE]


@pytest.mark.usefixtures("now")
class TestTurnedOff:
    async def test_nothing_is_posted(self, world: World, cog: WeeklyMood) -> None:
        count(world, "2026-11-20", joy=60)
        await cog.post_due_pictures()
        await turn_on_weekly(world, mood=False)
        await cog.post_due_pictures()
        await world.configure(mood=True, weekly_channel=123456789012345678)  # one that was deleted
        await cog.post_due_pictures()
        assert posted(world) == []

    async def test_missing_permissions_send_no_request(self, world: World, cog: WeeklyMood) -> None:
        quiet = world.guild.create_text_channel("quiet", overwrites={world.guild.default_role: MUTE})
        await world.configure(weekly_channel=quiet.id)
        count(world, "2026-11-20", joy=60)
        before = len(world.env.http_requests)
        for _ in range(3):
            await cog.post_due_pictures()
        assert len(world.env.http_requests) == before
        await turn_on_weekly(world)  # in a channel with the permissions
        await cog.post_due_pictures()
        assert len(posted(world)) == 1


@pytest.mark.parametrize(("time", "number"), [("2026-11-24 08:59", 1), ("2026-11-24 09:00", 0)])
async def test_bot_that_was_offline_posts_the_last_picture_within_a_day(
    world: World, cog: WeeklyMood, monkeypatch: pytest.MonkeyPatch, time: str, number: int
) -> None:
    set_time(world, monkeypatch, time)
    await turn_on_weekly(world)
    count(world, "2026-11-20", joy=60)
    await cog.post_due_pictures()
    assert len(posted(world)) == number


async def test_day_hour_and_week_follow_the_time_zone_of_the_server(
    world: World, cog: WeeklyMood, monkeypatch: pytest.MonkeyPatch
) -> None:
    await turn_on_weekly(world, time_zone="Asia/Tokyo", weekly_day="saturday", weekly_hour=0)
    world.bot.store.count_mood(world.guild.id, world.channel.id, datetime(2026, 11, 20, 14, tzinfo=UTC), "joy", 60)
    world.bot.store.count_mood(world.guild.id, world.channel.id, datetime(2026, 11, 20, 15, tzinfo=UTC), "fear", 60)
    set_time(world, monkeypatch, "2026-11-20 14:59")
    await cog.post_due_pictures()
    assert posted(world) == []
    set_time(world, monkeypatch, "2026-11-20 15:00")  # midnight in Tokyo
    await cog.post_due_pictures()
    [lines] = posted(world)
    assert "Nov 14" in lines[0]
    assert lines[1] == "😃 joy 100%"  # the fear is of Saturday


@pytest.mark.usefixtures("now")
class TestLanguage:
    async def test_language_is_that_of_the_server_by_default(
        self, world: World, cog: WeeklyMood, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        guild = world.bot.get_guild(world.guild.id)
        assert guild
        monkeypatch.setattr(guild, "preferred_locale", discord.Locale.german)
        await turn_on_weekly(world)
        count(world, "2026-11-20", joy=60)
        await cog.post_due_pictures()
        assert posted(world)[0][0] == "### Die Stimmung der Woche · 16.–22. Nov."

    async def test_chosen_language_is_used(self, world: World, cog: WeeklyMood) -> None:
        await turn_on_weekly(world, language="ja")
        count(world, "2026-11-20", joy=60)
        await cog.post_due_pictures()
        assert posted(world)[0][0].startswith("### 今週の雰囲気 · 11月16日")


@pytest.mark.usefixtures("now")
class TestChannels:
    async def lines(self, world: World, cog: WeeklyMood, place: simcord.ChannelHandle) -> str:
        await world.configure(weekly_channel=place.id)
        await cog.post_due_pictures()
        return posted(world, place)[0][1]

    async def test_channels_that_some_readers_cannot_see_are_left_out(self, world: World, cog: WeeklyMood) -> None:
        staff = world.guild.create_role("staff")
        show = discord.PermissionOverwrite(view_channel=True)
        secret = world.guild.create_text_channel("secret", overwrites={world.guild.default_role: HIDDEN, staff: show})
        count(world, "2026-11-20", joy=60)
        count(world, "2026-11-20", secret, grief=60)
        assert await self.lines(world, cog, world.channel) == "😃 joy 100%"

    async def test_channels_that_all_readers_of_a_restricted_channel_see_are_included(
        self, world: World, cog: WeeklyMood
    ) -> None:
        staff = world.guild.create_role("staff")
        show = discord.PermissionOverwrite(view_channel=True)
        assert world.guild.me
        everyone = world.guild.default_role
        office = world.guild.create_text_channel(
            "office", overwrites={everyone: HIDDEN, staff: show, world.guild.me: show}
        )
        secret = world.guild.create_text_channel("secret", overwrites={everyone: HIDDEN, staff: show})
        count(world, "2026-11-20", joy=60)
        count(world, "2026-11-20", secret, grief=60)
        assert await self.lines(world, cog, office) == "🕊️ grief 50% · 😃 joy 50%"

    async def test_only_public_channels_count_if_single_members_can_read_the_picture(
        self, world: World, cog: WeeklyMood
    ) -> None:
        show = discord.PermissionOverwrite(view_channel=True)
        office = world.guild.create_text_channel("office", overwrites={world.alice: show})
        kept_from_alice = world.guild.create_text_channel("party", overwrites={world.alice: HIDDEN})
        count(world, "2026-11-20", office, joy=60)
        count(world, "2026-11-20", kept_from_alice, grief=60)
        assert await self.lines(world, cog, office) == "😃 joy 100%"

    async def test_channels_that_a_second_role_hides_from_some_readers_are_left_out(
        self, world: World, cog: WeeklyMood
    ) -> None:
        """A member of the staff on probation can read the office, but not the party."""
        show = discord.PermissionOverwrite(view_channel=True)
        staff, probation = world.guild.create_role("staff"), world.guild.create_role("probation")
        assert world.guild.me
        office = world.guild.create_text_channel(
            "office", overwrites={world.guild.default_role: HIDDEN, staff: show, world.guild.me: show}
        )
        party = world.guild.create_text_channel("party", overwrites={probation: HIDDEN})
        count(world, "2026-11-20", office, joy=60)
        count(world, "2026-11-20", party, grief=60)
        assert await self.lines(world, cog, office) == "😃 joy 100%"

    @pytest.mark.parametrize(
        "of_staff", [discord.PermissionOverwrite(), discord.PermissionOverwrite(view_channel=True)]
    )
    async def test_channels_hidden_only_from_non_readers_are_included(
        self, world: World, cog: WeeklyMood, of_staff: discord.PermissionOverwrite
    ) -> None:
        staff, probation = world.guild.create_role("staff"), world.guild.create_role("probation")
        overwrites: dict[Any, discord.PermissionOverwrite] = {probation: HIDDEN, staff: of_staff}
        office = world.guild.create_text_channel("office", overwrites=overwrites)
        party = world.guild.create_text_channel("party", overwrites=overwrites)
        count(world, "2026-11-20", office, joy=60)
        count(world, "2026-11-20", party, grief=60)
        assert await self.lines(world, cog, office) == "🕊️ grief 50% · 😃 joy 50%"


@pytest.mark.usefixtures("now")
class TestFailures:
    @pytest.fixture(autouse=True)
    async def _on(self, world: World, cog: WeeklyMood) -> None:
        del cog
        await turn_on_weekly(world)
        count(world, "2026-11-20", joy=60)

    @pytest.mark.parametrize("failure", ["no answer", "no database"])
    async def test_temporary_failure_is_retried(
        self, world: World, cog: WeeklyMood, monkeypatch: pytest.MonkeyPatch, failure: str
    ) -> None:
        with monkeypatch.context() as broken:
            if failure == "no answer":
                broken.setattr(discord.TextChannel, "send", failing(HeldBackError("all requests are paused")))
            else:
                broken.setattr(Store, "moods", failing(StoreError("the database is locked")))
            await cog.post_due_pictures()
        assert posted(world) == []
        await cog.post_due_pictures()
        assert len(posted(world)) == 1

    async def test_temporary_database_failure_costs_no_picture(
        self, world: World, cog: WeeklyMood, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as broken:
            for method in ("moods", "release_week"):
                broken.setattr(Store, method, failing(StoreError("the database is locked")))
            await cog.post_due_pictures()
        for _ in range(2):
            await cog.post_due_pictures()
        assert len(posted(world)) == 1

    async def test_stopping_bot_finishes_the_picture_that_it_has_begun(
        self, world: World, cog: WeeklyMood, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        moods, stopping = world.bot.store.moods, asyncio.Event()

        async def moods_while_it_stops(*arguments: Any) -> list[MoodCount]:
            stopping.set()
            await asyncio.sleep(0)  # so that the cog waits
            return await moods(*arguments)

        monkeypatch.setattr(world.bot.store, "moods", moods_while_it_stops)
        cog.post_due_pictures.start()
        await stopping.wait()
        await cog.cog_unload()
        await world.env.settle()
        assert len(posted(world)) == 1
        assert not cog.post_due_pictures.is_running()

    async def test_refused_picture_is_given_up_and_logged_once(
        self, world: World, cog: WeeklyMood, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        response: Any = type("Response", (), {"status": 403, "reason": "Forbidden"})()
        refusal = discord.Forbidden(response, {"code": 50013, "message": "Missing Permissions"})
        with monkeypatch.context() as broken:
            broken.setattr(discord.TextChannel, "send", failing(refusal))
            for _ in range(3):
                await cog.post_due_pictures()
        await cog.post_due_pictures()
        assert posted(world) == []
        logged = [record.getMessage() for record in caplog.records if record.name == weekly.__name__]
        assert logged == [f"Discord refused the picture of the week in server {world.guild.id}: HTTP 403, code 50013"]

    async def test_failure_in_one_server_does_not_affect_another(
        self, world: World, cog: WeeklyMood, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        other = world.env.create_guild("Elsewhere")
        channel = other.create_text_channel("general")
        await world.env.settle()
        settings = world.bot.store.settings(world.guild.id).replace(weekly_channel=channel.id)
        await world.bot.store.save_settings(other.id, settings)
        when = datetime(2026, 11, 20, 12, tzinfo=UTC)
        world.bot.store.count_mood(other.id, channel.id, when, "joy", 60)
        claim = Store.claim_week

        async def claims(store: Store, guild_id: int, week: str) -> bool:
            if guild_id == world.guild.id:
                raise ZeroDivisionError
            return await claim(store, guild_id, week)

        monkeypatch.setattr(Store, "claim_week", claims)
        with caplog.at_level(logging.ERROR):
            await cog.post_due_pictures()
        assert (len(posted(world)), len(posted(world, channel))) == (0, 1)
        assert "A picture of the week failed" in caplog.text

    async def test_nothing_is_posted_before_opt_outs_and_the_time_are_known(
        self, world: World, cog: WeeklyMood
    ) -> None:
        world.bot.store.cache.ready = False
        await cog.post_due_pictures()
        world.bot.store.cache.ready = True
        assert posted(world) == []


def failing(error: Exception) -> Any:
    async def fail(*_arguments: Any, **_options: Any) -> None:
        raise error

    return fail


async def test_pictures_are_checked_every_ten_minutes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.bot.remove_cog("Maintenance")  # its loops would take most of the time
    set_time(world, monkeypatch, "2026-11-23 10:00")
    await turn_on_weekly(world)
    count(world, "2026-11-20", joy=60)
    await world.env.advance_time(600)
    assert len(posted(world)) == 1


def counts(**messages: int) -> list[MoodCount]:
    hour = datetime(2026, 11, 20, 12, tzinfo=UTC)
    return [MoodCount(hour, emotion, number) for emotion, number in messages.items()]


def test_post_fits_into_a_message_in_every_language() -> None:
    end = datetime(2026, 11, 23, tzinfo=UTC).date()
    before = [
        MoodCount(datetime(2026, 11, 23, 12, tzinfo=UTC) - timedelta(days=days), "neutral", 100)
        for days in range(8, 36)
    ]
    long = {f"{'+' * 95}{number}": 50 for number in range(4)}
    for locale in (None, *map(discord.Locale, ("de", "es-ES", "fr", "pt-BR", "tr", "ja"))):
        post = compose([*before, *counts(**long)], end, "UTC", {}, 1_000_000, translator(locale))
        assert post
        assert post.text.count("\n- ") == 3
        assert len(post.text.encode("utf-16-le")) // 2 <= 2000
        assert len(post.description.encode("utf-16-le")) // 2 <= 1024


def test_negative_counts_after_an_erasure_count_as_zero() -> None:
    end = datetime(2026, 11, 23, tzinfo=UTC).date()
    assert compose(counts(joy=49, anger=-3), end, "UTC", {}, 90, ENGLISH) is None
    post = compose(counts(joy=50, anger=-3), end, "UTC", {}, 90, ENGLISH)
    assert post
    assert "50 messages." in post.text
