import pytest
import regex

from classifiers import PRETRAINED, load_models
from classifiers.emoticons import _FACES, FACE
from classifiers.text import Tokenizer, tokenize

FACES = {
    ":)": ":) :)) :))))) :] :> :^)",
    ":-)": ":-) :-)))",
    ":d": ":D :DDD :-D",
    "xd": "xD XDDD xdxdxd",
    ":p": ":P :PPP :-P =P",
    "<3": "<3 <333 <33333333",
    "💔": "</3 </333 <\\3",
    ":(": ":( :(( :((((( :[ :< =(",
    ":'(": ":'( :'(( :,( :_(",
    "😂": ":'D ='D",
    "😢": "T_T t_t T__T T.T T-T TT_TT ;_; ;-; ;___; Q_Q QAQ qwq ಥ_ಥ (ಥ﹏ಥ) (T_T) ㅠㅠ ㅠ_ㅠ",
    "😅": "^_^; ^^;; ^^;",
    "^_^": "^_^ ^__^ ^-^ ^.^ ^w^ (^_^) (^o^) n_n >w< (◕‿◕) (≧▽≦) (・∀・) (づ｡◕‿‿◕｡)づ ʕ•ᴥ•ʔ",
    "-_-": "-_- -__- -.- =_= >_> <_<",
    "😮": "o_o O_o o.O :O :o :-O ⊙_⊙",
    "😵": "x_x X_X @_@ +_+",
    "😣": ">_< >__< >.<",
    "😔": "u_u",
    "😒": "ಠ_ಠ",
    "😠": ">:( >:(( >:[ >:/ ò_ó ಠ益ಠ (ノಠ益ಠ)ノ彡 (╯°□°)╯",
    "😡": "┻━┻ :@",
    "😈": ">:) >:D >:3",
    "😘": ":* ;* :-*",
    "🤩": "*_* *-*",
    "🤷": r"¯\_(ツ)_/¯ ¯\\_(ツ)_/¯ ¯\\\_(ツ)\_/¯ ¯_(ツ)_/¯",
    "🙌": r"\o/",
    "🫡": "o7",
    "👋": "o/",
    "😏": "(͡°͜ʖ͡°)",
    "._.": "._. .-. .__.",
}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return load_models(PRETRAINED)["rnn"].tokenizer


@pytest.mark.parametrize(("face", "token"), [(face, token) for token, faces in FACES.items() for face in faces.split()])
def test_emoticon_is_read_as_the_token_of_its_emotion(face: str, token: str, tokenizer: Tokenizer) -> None:
    assert tokenize(face) == [token]
    assert tokenize(f"oh {face} well") == ["oh", token, "well"]
    assert token in tokenizer.words


@pytest.mark.parametrize(
    "text",
    [
        *("thanks x_x", "sad T_T", "nice :))", "ok uwu", "hi (っ˘ω˘ς )", "go ヽ(°〇°)ﾉ", "no (；´Д｀)", "(・_・;)"),
        *("love it <333", "lol xDDDD", "hey ʕ•ᴥ•ʔ", "so ಥ_ಥ", "yes (ﾉ◕ヮ◕)ﾉ*:･ﾟ✧", "ugh (╯°□°)╯︵ ┻━┻", "ㅋㅋㅋ nice"),
    ],
)
def test_emoticons_count_as_known_words(text: str, tokenizer: Tokenizer) -> None:
    assert tokenizer.read(text)[1] == 1.0


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("t-t-thanks o-o-ok", "t - t - thanks o - o - ok"),
        ("x_x_y t_test on_o", "x_x_y t_test on_o"),
        ("<30 <3.5 <3", "< 30 < 3.5 <3"),
        ("i/o or w/o", "i / o or w / o"),
        ("I do: it", "i do : it"),
        ("(日本) (a → b) (5 °C)", "( 日本 ) ( a → b ) ( 5 ° c )"),
        ("(🎉✨🎉)", "( 🎉 ✨ 🎉 )"),
        ("wait...u", "wait .. u"),
        ("maxdd orzo", "maxdd orzo"),
    ],
)
def test_text_that_only_resembles_an_emoticon_is_unchanged(text: str, tokens: str) -> None:
    assert tokenize(text) == tokens.split(" ")


def test_quick_check_of_first_characters_finds_every_emoticon() -> None:
    """It knows every pair of characters with which an emoticon can begin."""
    faces = regex.compile(" | ".join(_FACES.values()), regex.VERBOSE)
    found = regex.compile(FACE, regex.VERBOSE)
    characters = sorted(set("".join(_FACES.values())) | set("A1é\u3000"))
    pairs = [first + second for first in characters for second in characters]
    begun = [pair for pair in pairs if faces.fullmatch(pair, partial=True)]
    assert len(begun) > 300
    assert [pair for pair in begun if not found.fullmatch(pair, partial=True)] == []
