"""Find emoticons and kaomoji, and map them to the tokens that the shipped models know for the same feeling.

The patterns are for `regex.VERBOSE` and lower-case text; in other text, use them with `regex.IGNORECASE`. Every
repetition is bounded or cannot backtrack.
"""

from __future__ import annotations

from functools import lru_cache

import regex

_FACES = {
    "😅": r"\^[\\_.owv-]{0,9}\^;{1,9}",
    "😢": r"[tq][\\_.^w-]{1,9}[tq] | ;[\\_.w-]{1,9}; | [ಥ╥][_.﹃益-]{1,9}[ಥ╥] | [ᅮᅲㅜㅠ][_.]{1,9}[ᅮᅲㅜㅠ]",
    "😠": r"[ಠ╬ò]{1,2}[益皿]{1,3}[ಠ╬ó]{1,2} | ò[_.]{1,9}ó | \(╯[^()\n]{1,9}\)╯",
    "😍": r"[♥♡][_‿▽ω]{1,9}[♥♡]",
    "🤩": r"\*[_-]{1,9}\* | [☆★✧][_.‿▽ω]{1,9}[☆★✧]",
    "🤑": r"\$_{1,9}\$",
    "^_^": r"""
        \^[\\_.owvω▽-]{1,9}\^ | >[wω]{1,3}< | [-=][wω]{1,3}[-=] | n_{1,9}n | ʕ[^\w\s]{1,3}ᴥ[^\w\s]{1,3}ʔ
        | [◕•・°≧ᵔ⌒◠¬ಠ'`]\ ?[‿▽∀ᴗ◡ヮワ]{1,3}\ ?[◕•・°≦ᵔ⌒◠¬ಠ'`]
    """,
    "😏": r"°\ *+͜ʖ",
    "😒": r"ಠ[_.]{1,9}ಠ | ¬_{1,9}¬",
    "😵": r"x[\\_.-]{1,9}x | @[_.-]{1,9}@ | \+_{1,9}\+",
    "😮": r"[o0]\\?_{1,9}[o0] | o[.-]{1,9}o | [°⊙◉●○][_.□д-]{1,9}[°⊙◉●○]",
    "😣": r">[\\_.]{1,9}<",
    "😔": r"u[\\_.-]{1,9}u | v_{1,9}v",
    "-_-": r"[-=][\\_.]{1,9}[-=] | >[\\_.]{1,9}> | <[\\_.]{1,9}<",
    "._.": r"\.[\\_-]{1,9}\. | [•・][_.ω]{1,9}[•・]",
}
"""Patterns of upright faces, mostly two eyes with a mouth between them, by the token for the feeling."""

_SHRUG = r"\\{0,4}_{1,2}\(ツ\)\\?_{1,2}/?"

_GESTURES = {
    "🤷": _SHRUG,
    "🙌": r"(?<![\w/])\\{1,4}o{1,9}/(?!\w)",
    "👋": r"(?<![\w/])o/(?![\w/])",
    "😡": r"┻━{1,9}┻",
    "🫡": r"(?<!\w)o7{1,9}(?!\w)",
}
"""Patterns of drawings with more than a face, by the token for the feeling."""

_ARMS = "ヽヾ⊂٩ლノつづっ┌┐乁"
_KAOMOJI = rf"""
    [{_ARMS}]?
    \( (?=[^()\n]{{0,20}}[^\x00-\x7f])
    (?: [^\w()\n\p{{Sc}}\p{{Emoji_Presentation}}] | [\p{{Pc}}\p{{M}}\p{{Nl}}ノಠಥ益皿]
      | (?<!\p{{L}})(?:[oxtuvwqn]|(?![a-z])\p{{L}})(?!\p{{L}})
    ){{3,20}}+
    \) [ノ彡づっつゝง۶シ/凸┌┐ㄏ╯]{{0,2}}
"""
"""Any other face in parentheses: few characters, one of them not ASCII, and no word."""

_EYE = r"[$'*+.0;<=>@^`noqtuvx¬°òᅮᅲᵔ•≧⊙⌒◉○●◕◠★☆♡♥✧・╥╬ㅜㅠಠಥ-]"
_NOSE_OR_MOUTH = r"[\\_.^wvoωд□‿▽∀ᴗ◡ヮワ益皿﹃ ͜ಠ╬òó-]"
"""Most faces start with one of the former and one of the latter; checking that first is faster than all patterns."""

FACE = rf"""
    (?: (?= \(?\*?{_EYE}{_NOSE_OR_MOUTH} | ʕ | \(╯ )  # a quick test
        (?<![^\W_]) \(?\*? (?: {" | ".join(_FACES.values())} ) \*?\)? (?![.-]?[^\W_]|_\w)
      | {_SHRUG} | {_KAOMOJI}
    )
"""
"""The pattern of all faces that may contain characters of Discord's markup."""

EMOTICON = rf"""
    {FACE} | (?=[\\o┻]) (?: {" | ".join(_GESTURES.values())} )
    | (?=[<>:;=8x]) [<>]?(?:[:;=8x]['^]?[-o*~]?|[:;][,_]) (?=[)(\][dpoc3/\\|{{}}s0@*<>$])
      (?:\)++|\(++|\]++|\[++|d++|p++|o++|c++|3++|/++|\\++|\|++|[{{}}s0@*<>$])(?!\w)
    | <[/\\]?3++(?!\d|[.,]\d)  # heart
"""
"""The pattern of all emoticons except mirrored ones, such as "(:"."""

_FORMS = {
    ":)": ":] :} :> :^) :o) :~) :-] :-> :^]",
    ":d": ":-d :^d",
    "xd": "x-d xdd xdxd",
    ";)": ";] ;> ;^) ;-]",
    ":p": ":-p :^p =p",
    ";p": ";-p",
    ":')": ":'] ='] =') :,)",
    "😂": ":'d ='d ;'d x'd :,d",
    ":(": ":[ :< :^( :~( :-[ :-< :-c =( =[ ;[ ;-(",
    ":'(": ":'[ :'c :'< :'/ :'| ='( ='[ ;'( ;'[ :,( ;,( :_( ;_(",
    "😮": ":o :0 :-o :-0 =o 8o 8-o",
    ":/": ":\\ ;/ ;\\",
    ":-/": ":-\\",
    "=/": "=\\",
    ":|": "=|",
    ":3": ":-3 ;3",
    "😘": ":* :-* ;* ;-* =*",
    "😡": ":@ :-@ =@ >:@",
    "😳": ":$ :-$ =$",
    "😎": "8-)",
    "😈": ">:) >:] >;) >:d >:-) >:> >:3 >=) >=d >:p",
    "😠": ">:( >:[ >:{ >:< >:-( >:/ >:\\ >:| >:c >:o >:0 >=( >;( ಠ益ಠ",
    "💔": "</3 <\\3",
    "😢": "qaq qwq tt_tt ᅲᅲ ᅮᅮ",
    "haha": "ᄏᄏ",
    "😞": "orz",
}

SAME = {form: token for token, forms in _FORMS.items() for form in forms.split()}
"""For each emoticon, the token for the same feeling that the shipped models know, or know better."""

_PATTERNS = [(regex.compile(pattern, regex.VERBOSE), token) for token, pattern in (_GESTURES | _FACES).items()]
_REPEATED_END = regex.compile(r"(.)\1+$")


def token_of(emoticon: str) -> str:
    """Return the token for an emoticon found by `EMOTICON`: one of the same feeling that the shipped models know.

    If there is none, return the emoticon itself, without a repeated mouth and without an arm before it.

    Examples:
        >>> [token_of(":)))"), token_of("t___t"), token_of("<333"), token_of("(ಥ_ಥ)")]
        [':)', '😢', '<3', '😢']
    """
    return _token_of(_REPEATED_END.sub(r"\1", emoticon))


@lru_cache(maxsize=1024)  # trying all patterns takes as long as reading several words, and few emoticons are common
def _token_of(plain: str) -> str:
    if plain in SAME:
        return SAME[plain]
    return next((token for pattern, token in _PATTERNS if pattern.search(plain)), plain.lstrip(_ARMS))
