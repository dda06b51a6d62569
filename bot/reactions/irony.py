"""Recognise common ironic phrases, to which no bot may react with a pleasant emoji.

The shipped models take "thanks, I hate it" for gratitude: irony does not mean what its words say, and even the data
sets often label such phrases by their words. As for grave messages, a list of English phrases prefers no reaction to a
wrong one.
"""

from __future__ import annotations

import re

from bot.reactions.phrases import any_of, whole_words
from classifiers.markup import strip_markup
from classifiers.text import normalize

_WORDS = {
    "OH": r"(?:oh|ah|well)",
    "AGAIN": r"(?:here we go again|here we go|it (?:broke|crashed)|not (?:this|that|again|another))",
    "PRAISES": r"PRAISE(?: just PRAISE)?",
    "PRAISE": r"(?:great|wonderful|lovely|fantastic|perfect|brilliant|terrific|awesome|splendid|nice|cool|fun)",
    "THANKS": r"(?:thanks|thank you|thank u|thx|ty)(?: so much| a lot| very much| a bunch)?",
    "HARMING": r"(?:break|delet|destroy|forgett|ghost|hang|ignor|ruin|spoil|steal|unfollow|wast)ing",
    "WRONG": r"(?:(?:never|can't|cannot|won't|don't|doesn't|didn't|isn't|aren't|wasn't)"
    r"|(?:refuse|forget|ignore|crashe?|break|mock)s?|(?:refuse|ignore|crashe|mock)d|forgot|broke)",
    "BROKE": r"(?:broke|crashed|deleted|destroyed|killed|lost|ruined|played yourself|managed to)",
}

# Each line of the list is a regular expression; words in capitals stand for the expressions here. Punctuation is blank.
_IRONIC = r"""
# to love that something is wrong
lov(?:e|ed|ing) (?:it )?(?:how|when|that) (?:nobody|no one|noone|none of)
lov(?:e|ed|ing) how (?:\S+ ){1,4}WRONG
# to thank for what does harm
THANKS i hate
THANKS for (?:nothing|(?:\S+ )?HARMING)
(?:kind|nice|generous|thoughtful|lovely|sweet) of (?:you|u|him|her|them) to (?:never|not|ignore|forget|break|leave me)
# answers that say their opposite
^cool story(?: (?:bro|dude|man|mate))?(?=\s*$)
^cool story (?:bro|dude|man)
(?:PRAISE|good|well|way) (?:job |work |done |one |going |move )?(?:genius|einstein|sherlock)
said (?:no one|noone|nobody) ever
^(?:PRAISE|congrats|congratulations|bravo|well done) (?:you|u) (?:just |have |'?ve )?BROKE
# to praise what comes again or goes wrong
^(?:OH )?PRAISES (?:yet )?another
^(?:OH )?(?:PRAISES|just PRAISE) now (?!(?:we|you|they|that|i can|i know|i get it|i have (?!to))\b)
^OH (?:joy|goody|great|wonderful) more
^OH (?:joy|goody|PRAISE) (?:another|now|again|AGAIN)
^PRAISES AGAIN
^(?:well |oh |great )?(?:that'?s |this is |isn't that )?just PRAISE(?: just what (?:i|we) needed)?(?=\s*$)
^(?:OH )?PRAISE just what (?:i|we) (?:needed|wanted)
"""
_PHRASE = whole_words(any_of(_IRONIC), _WORDS)
_TONE_TAG = re.compile(r"(?:^|\s)/s(?:arc(?:asm|astic)?)?\W*$", re.IGNORECASE)
_PUNCTUATION = re.compile(r"[^\w'\s]")


def is_ironic(message: str) -> bool:
    """Return whether a message has a common ironic phrase, or the tone tag "/s" at its end.

    >>> [is_ironic("Thanks, I hate it"), is_ironic("thanks, I needed that")]
    [True, False]
    """
    own_words = strip_markup(message)
    plain = " ".join(_PUNCTUATION.sub(" ", normalize(own_words)).split())
    return bool(_TONE_TAG.search(own_words) or _PHRASE.search(plain))
