"""Emoticons and kaomoji: how they are found in a text, and the tokens by which the shipped models know their feeling.

The patterns are for `regex.VERBOSE` and for lower case; whoever looks for them in a text as it was written ignores
case. Every repetition is bounded or cannot backtrack.
"""

from __future__ import annotations

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
    "😏": r"°\ *͜ʖ",
    "😒": r"ಠ[_.]{1,9}ಠ | ¬_{1,9}¬",
    "😵": r"x[\\_.-]{1,9}x | @[_.-]{1,9}@ | \+_{1,9}\+",
    "😮": r"[o0]\\?_{1,9}[o0] | o[.-]{1,9}o | [°⊙◉●○][_.□д-]{1,9}[°⊙◉●○]",
    "😣": r">[\\_.]{1,9}<",
    "😔": r"u[\\_.-]{1,9}u | v_{1,9}v",
    "-_-": r"[-=][\\_.]{1,9}[-=] | >[\\_.]{1,9}> | <[\\_.]{1,9}<",
    "._.": r"\.[\\_-]{1,9}\. | [•・][_.ω]{1,9}[•・]",
}
"""Upright faces, mostly two eyes with a mouth between them, by the token of their feeling."""

_SHRUG = r"\\{0,4}_{1,2}\(ツ\)\\?_{1,2}/?"

_GESTURES = {
    "🤷": _SHRUG,
    "🙌": r"(?<![\w/])\\{1,4}o{1,9}/(?!\w)",
    "👋": r"(?<![\w/])o/(?![\w/])",
    "😡": r"┻━{1,9}┻",
    "🫡": r"(?<!\w)o7{1,9}(?!\w)",
}
"""What is drawn with more than a face, by the token of its feeling."""

_ARMS = "ヽヾ⊂٩ლノつづっ┌┐乁"
_KAOMOJI = rf"""
    [{_ARMS}]?
    \( (?=[^()\n]{{0,20}}[^\x00-\x7f])
    (?: [^\w()\n\p{{Sc}}\p{{Emoji_Presentation}}] | [\p{{Pc}}\p{{M}}\p{{Nl}}ノಠಥ益皿]
      | (?<!\p{{L}})(?:[oxtuvwqn]|(?![a-z])\p{{L}})(?!\p{{L}})
    ){{3,20}}
    \) [ノ彡づっつゝง۶シ/凸┌┐ㄏ╯]{{0,2}}
"""
"""Any other face in parentheses: few characters, one of them beyond ASCII, and no word."""

FACE = rf"""
    (?=[^\s!?,/1-9a-mprswyz])  # what none begins with, so that most places need no trying
    (?: (?<![^\W_]) \(?\*? (?: {" | ".join(_FACES.values())} ) \*?\)? (?![.-]?[^\W_]|_\w) | {_SHRUG} | {_KAOMOJI} )
"""
"""What may hold characters that are markup elsewhere."""

EMOTICON = rf"""
    {FACE} | (?=[\\o┻]) (?: {" | ".join(_GESTURES.values())} )
    | [<>]?(?:[:;=8x]['^]?[-o*~]?|[:;][,_])(?:\)++|\(++|\]++|\[++|d++|p++|o++|c++|3++|/++|\\++|\|++|[{{}}s0@*<>$])(?!\w)
    | <[/\\]?3++(?!\d|[.,]\d)  # heart
"""
"""Any emoticon, but for those that lie on their other side, such as "(:"."""

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
"""Faces, sidelong or of letters alone, by which another stands that the shipped models know, or know better."""

_PATTERNS = [(regex.compile(pattern, regex.VERBOSE), token) for token, pattern in (_GESTURES | _FACES).items()]
_DRAWN_OUT = regex.compile(r"(.)\1+$")


def token_of(emoticon: str) -> str:
    """Return the token for what `EMOTICON` has found: one of the same feeling that the shipped models know, if any.

    One that they do not know keeps its form, without repetitions of its mouth and an arm before its parentheses.

    >>> [token_of(":)))"), token_of("t___t"), token_of("<333"), token_of("(ಥ_ಥ)")]
    [':)', '😢', '<3', '😢']
    """
    plain = _DRAWN_OUT.sub(r"\1", emoticon)
    if plain in SAME:
        return SAME[plain]
    return next((token for pattern, token in _PATTERNS if pattern.search(emoticon)), plain.lstrip(_ARMS))
