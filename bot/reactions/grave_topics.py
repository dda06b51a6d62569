"""Recognise messages about self-harm, death or grave illness, to which the bot must not react.

A list of phrases is crude, but it prefers no reaction to a wrong one and does not depend on a model: to the models,
"lol" outweighs the words before it. It is in English, like all messages to which the bot reacts.
"""

from __future__ import annotations

import re

from bot.reactions.phrases import any_of, whole_words
from classifiers.markup import strip_markup
from classifiers.text import normalize

# In the lists each line is a regular expression. "SOME " stands for up to three words, and other words in capitals for
# the expressions here.
_WORDS = {
    "FAMILY": r"(?:PARENT|PET|sibling|twin|mommy|mummy|mama|daddy|papa|granny|gran|nan|nana|grammy|gramps|children"
    r"|uncle|aunt|auntie|cousin|niece|nephew|husband|hubby|wife|spouse|partner|fiancé|fiancée|fiancee|boyfriend|girlfriend"
    r"|bf|gf|baby|babies|best friend)s?(?:'s)?",
    "PARENT": r"(?:(?:great|grand|step|god)[ -]?){0,3}"
    r"(?:mother|father|mom|mum|dad|ma|pa|parent|son|daughter|child|kid|brother|sister)s?",
    "PET": r"(?:dog|doggo|pup|puppy|cat|kitty|kitten|hamster|rabbit|bunny|horse|pony|parrot|bird|budgie|ferret|pet|fish"
    r"|guinea pig|goldfish|turtle|tortoise|lizard|gecko|snake|rat|hen|chicken|cow|goat|pig)",
    "SOMEBODY": r"(?:FAMILY|(?:relative|family|ex|friend|bestie|buddy|roommate|classmate|co-?worker|colleague"
    r"|neighbou?r|mentor|coach|teacher|professor|student|infant|newborn|toddler|boy|girl|man|woman|men|women|people|person"
    r"|somebody|someone|victim)s?(?:'s)?)",
    "WHOSE": r"(?:my|our|y?our|ur|his|her|their|a|an|the|SOMEBODY)",
    "WHO": r"(?:SOMEBODY|he|she|they)",
    "SELF": r"(?:my|y?our|ur|him|her|them|one)[ -]?sel(?:f|ves)",
    "THING": r"(?:phone|battery|laptop|pc|computer|wi-?fi|internet|server|engine|car|bike|controller|mic|headset"
    r"|console|router|tv|monitor|stream|bot|game|plant|gpu|drive|ssd|charger|printer|app|light|chat|party|account|tablet|card"
    r"|meme|vibe|thread|link|pixel|starter|boss|enemy|enemies|npc|character|toon|villager|tank|healer|sim|tamagotchi"
    r"|everyone|everybody)s?",
    "PLAYED": r"(?:game|gameplay|aim|meta|lobby|chat|deck|team|teammate|update|patch|map|build|queue|boss|ui|code|strat"
    r"|mode|server|lag|community|fandom|round|wave|level|zombie|creeper|dragon|bot|mob|lava|trap|minecraft|dungeon|raid"
    r"|arena|tutorial|npc|skeleton|spider|goblin|monster)s?",
    "NOT": r"(?:n't|nt| not| never)",
    "ILLNESS": r"(?:cancer|tumou?r|aneurysm|stroke|heart attack|seizure)s?",
    "WHEN": r"(?:yesterday|today|tonight|last|this|a few|a couple|\w+ (?:days?|weeks?|months?|years?) ago|at \d+"
    r"|at birth|on \d+|on \w+day|on christmas|in \d+|in MONTH|in (?:the|a|an) (?:\w+ )?(?:war|crash|accident|fire))",
    "MONTH": r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w*",
    "SIGN": r"(?:leo|gemini|virgo|libra|scorpio|aries|taurus|pisces|aquarius|capricorn|sagittarius)s?",
    "SOME ": r"(?:[\w']+ ){0,3}",
}

_HARMLESS = r"""
# the sign of the zodiac, and players' word for what they dislike
cancer (?:season|szn|sun|moon|rising|sign|zodiac|energy|placement|man|woman|guy|girl|gang)s?
(?:other|any|fellow|us|all|for) cancers?
(?:sun|moon|rising|tropic|SIGN)(?: in| of| and|,)? cancer
cancers? (?:and|or|is|are|with an?) (?:my|SIGN)
(?:mercury|venus|mars|jupiter|saturn|moon) in cancer|(?:zodiac|sign|horoscope) SOME SOME cancers?
cancers? SOME SOME (?:zodiac|sign|horoscope)
(?:june|july|two) cancers
an? cancer(?! (?:patient|surviv|diagnos|treat|cent|ward|scare|cell|research|screen|drug|kid|doctor|nurse)\w*)
PLAYED (?:is|are|was|were) SOME cancer
(?:straight|pure|absolute|literal|actual|complete|total) cancer
cancer (?:deck|build|meta|comp|strat|lobby|to play)
# to exaggerate
(?:gave|give|gives|giving|almost|nearly|mini) SOME ILLNESS
(?:had|having|have|has) an? (?:\w+ )?ILLNESS (?:reading|trying|looking|watching|when|just)
overdos\w* on (?!pills|drugs|heroin|fent|med|tylenol|opioid|xan|sleep|para|prescription)
(?:sugar|caffeine|coffee|cuteness|serotonin|vitamin) overdose
rather die than|like i(?:'?m| am)? (?:having|had|have) an? ILLNESS
heart attack (?:burger|grill|sandwich|on a plate)
(?:felt|feels?|feeling|looks?) like SOME (?:hit|run over) by
di(?:e|es|ed|ying) (?:laughing|inside|again|twice|first|last|instantly|dramatically|down|out|hard)
di(?:e|es|ed|ying) (?:of|from) (?:laughter|cringe|embarrassment|boredom|shame|cuteness|happiness|joy)
laugh\w* SOME (?:died|dead)
(?<!\bif )(?<!\bwish )(?<!\buntil )(?<!\bwhen )(?<!\bsince )(?<!\bbefore )i(?: just| literally| \w+ly)? died
(?:nearly|almost|simply|would|could|'d) (?:die|died|pass away|passed away)
over (?:my|your|his|her) dead bod(?:y|ies)
y?our funeral
# in games
di(?:e|es|ed|ying) (?:\d+|two|three|four|five|ten|many|so many|a hundred|a million) times
di(?:e|es|ed|ying) to (?!cancer|covid|suicide)
di(?:e|es|ed|ying) (?:to|against|from|by|at|in|on) (?:the |an? )?(?:\w+ )?PLAYED
(?:minecraft|sims|virtual|pokemon) (?:\w+ )?(?:died|dead)
killed (?:it|the (?:vibe|mood|boss))
killed (?:\w+ ){0,2}people in (?:among us|one|ranked|roblox|minecraft|fortnite|gta|cod|valorant|apex|warzone)
life support for (?:this|my|the) (?:old )?THING
killed by an? (?:\w+ )?PLAYED
murdered (?:it|that|\d)
(?:my|the|y?our) dead body (?:and|camp|in)
# what is said of things
THING (?:\w+ )?(?:died|dies|dying|dead)
dead (?:serious|inside|wrong|tired|asleep|right|set|end|heat|beat|lift|weight|center|centre|pixels?|on|ringer|sexy)
dead (?:silent|quiet|last|sure|simple|easy|drunk|broke|proud|chat|game|server|battery|batteries|by daylight|sea|pool)
dead (?:cells|space|in here|in the water)
dead(?= ?💀)
(?:plays?|playing|play|walking|evil|grateful|brain|un|half)[ -]?dead|drop dead
stroke of (?:luck|genius)|(?:food|sugar|carb|pizza|turkey) coma|coma[ -]?inducing|parkinson'?s law
put (?:the|my|our) (?:phone|book|controller|game|pen|bag|box)s? down
put (?:the|my|our) (?:kid|baby|babies|children|twins|toddler|son|daughter)s? (?:down for|to (?:sleep|bed))
lump in (?:my|his|her) throat|put (?:him|her|them|SOMEBODY) down (?:for|as)|mourning doves?
funeral doom|shot (?:down|in 4k)
rest in (?:peace|pieces) (?:to )?(?:my|our) (?:THING|free|wallet|sleep|savings|bank|diet|plan|weekend)
condolences to (?:my|y?our) (?:wallet|gpu|pc|phone|sleep|bank)
suicide (?:squad|boys?|girls?|doors?|drills?|pass|bomber|burn)
suicides (?:at|in|during|for) (?:practice|basketball|training|football|soccer|gym)
(?:political|career|social) suicide
"""

_GRAVE = r"""
# against oneself, the ways of writing it that are meant to pass filters included
s\W?u\W?i\W?c\W?i\W?d\w*|su[iua]?[iu]?[csz]{1,2}[iu]{0,2}d(?:e|al|a|es|ed|ing|s|ie|le)?
un[ -]?aliv(?:e|es|ed|ing)|sew\W?er\W?(?:slide|sliding|side|cide)|soo?[iy]?cid\w*|kermit sewer
toaster bath|an hero|game[ -]?end SELF|kys+|kyself|(?<!\d)(?<!\d )k!?ms+
k[iy]?l+(?:s|ed|ing|in)? ?SELF
(?:ruin|wreck|destroy)(?:s|ed|ing)? (?:my|his|her|our|their) (?:whole |entire )?li(?:fe|ves)
(?:feel|feels|feeling|felt)(?: like)? SOME (?:replaceable|disposable|unwanted)
(?:hang|hanged|hanging|hung|shoot|shooting|shot|drown|drowning|starve|starving|neck|topped|rope|roping|yeet) SELF
(?:off|offed|offing|end|ending|harm|harming|cutting|burning|delete|stab|stabbed|poison) SELF
cut SELF(?! (?:some|an?|off|out|loose|on|while|when|shaving|cooking|chopping|slicing|opening)\b)
self[ -]?(?:harm|injur|mutilat|delet|terminat)\w*
(?:started|been|keep|wanna|want to) cutting(?: again| myself)|cutting (?:is|was|helps|helped|feels)
(?:slit|slash|cut)(?:ting)? (?:my|y?our|ur|his|her) (?:wrist|arm|thigh|throat|vein)s?
(?:end|ended|ending) it all
(?:end|ended|ending|take|took|taking) (?:my|your|his|her|their) (?:own )?li(?:fe|ves)(?! (?:advice|lesson|saving|stor))
(?:want|wanna|going|gonna|ready|need|decided) (?:to )?end (?:it|things|this)
(?:want|wants|wanted|deserves?|ready|can'?t wait|cannot wait) to(?: just| be)? (?:die|dead)(?! (?:for|at)\b)
(?:wanna|rather|should|go|let me|hope SOME \w+|wish SOME \w+)(?: to)?(?: just| be)? (?:die|dead)(?! (?:for|at)\b)
want (?:you|him|her|them|everyone) (?:to die|dead)
(?:wish|wished|if|until|when) i (?:was|were|am|had been)(?:NOT)? (?:dead|gone|born|alive|here anymore)
wish i (?:was|were|had) never|if i (?:just )?died
better off? ?(?:dead|without me)|never been born
(?:do|did|does)NOT (?:really |even )?(?:wanna|want to) (?:live|exist|be alive|be here|wake up)(?! (?:in|to|with|at)\b)
(?:hope|wish|pray) i (?:doNOT|didNOT|neverNOT?|never) (?:ever )?wake up|(?:and|to) never wake up
stop (?:existing|living|being alive)
(?:being|happier|rather be) dead|ending things|see myself (?:alive|living)|clean from cutting
feel like cutting|i cut (?:again|last night|today)
(?:reason|point|will|purpose|nothing|left) (?:left )?(?:to|in|of|for) (?:keep |go on )?(?:live|living)
(?:tired|sick|done) (?:of|with) (?:living|life|being alive|existing)
hat(?:e|ed|ing) (?:living|being alive|my existence)|not worth living|isn'?t worth living
(?:please|pls|plz|just|someone|somebody|can you|anyone) (?:please |just )?(?:kill|shoot|end|unalive) me
^(?:just |go |please )?die(?: already| lol|(?=\W*$))
commit (?:not alive|die|not living|self delete|sudoku)
jump(?:ing|ed)? in front of
jump(?:ing|ed)? (?:off|from) (?:a|the|that|this|my) (?:bridge|roof|building|cliff|balcony|overpass|ledge)
bullet (?:in|through) (?:my|his|her|their|the) (?:head|brain|skull)|gun in (?:my|his|her) mouth
(?:throw|threw|throwing|drank) SELF (?:under|off|from|in front|out of|to death)|drink(?:ing)? bleach
(?:time to|gonna|should|might|ima) rope|rope time
over-?dos(?:e|ed|ing)|od'?ed|od'd|(?:took|take|swallowed|swallow) SOME pills|(?:have|got) the pills
found (?:him|her|them) (?:dead|hanging|lifeless)|(?:goodbye|farewell) (?:note|letter)
eating disorder|anorexi\w*|bulimi\w*
# death
pass(?:ed|es|ing)? away|passing of WHOSE
(?:my|our|his|her|their) (?:\w+ )?dead SOMEBODY|dead (?:bod(?:y|ies)|children|people|babies|kids)
(?:found|pronounced|shot|declared) (?:\w+ )?dead|(?:body|bodies|corpses?) (?:was|were) found
died (?:of|from|by|suddenly|peacefully|too young|at the age|in (?:a|the|his|her|their|my)|WHEN)
death (?:toll|anniversary|certificate)|death-?bed|anniversary of SOME death
funerals?|obituar(?:y|ies)|eulog(?:y|ies)|hospice|(?:was|were|be|being|getting|him|her) cremated
crematorium|mourning|bereave\w*|condolences|rest in peace|no longer with us
rainbow bridge|grieving|in loving memory|memorial service|sorry for (?:y?our|ur|his|her|their) loss
rest easy(?! (?:knowing|now that|tonight))|gone but (?:not|never) forgotten|years without you
(?:is|'s|are|now) in heaven|in heaven now|heaven (?:gained|got) an
fly high (?:SOMEBODY|angel|king|queen)
nothing (?:more |else )?(?:they|the doctors|doctors) (?:can|could) do
(?:was|were|is) (?:he|she|they)? ?still alive
if (?:he|she|they) (?:was|were) (?:still )?(?:alive|here)|genocide|holocaust|massacre
(?:bury|buried|burying) (?:him|her|them (?:today|yesterday|both)|WHOSE (?:\w+ )?SOMEBODY)
scatter\w* SOME ashes|(?:his|her|their) ashes
lost (?:(?:my|our|his|her|their|a) )?(?:\w+ )?FAMILY(?<!'s)(?!')(?! (?:at (?!\d|birth)|in (?:the|a|mario)|for a))
(?:lost|losing|lose) (?:my|our|his|her|their|a) (?:\w+ ){0,2}SOMEBODY(?: to| when| WHEN|(?=\s*$|\s*[,.!:;]))
lost (?:him|her|them) (?:to|WHEN)|lost the baby
(?:my|our|his|her|their) late FAMILY|(?:since|after|when|before) (?:\w+ )?FAMILY passed
(?:SOMEBODY|his|her) wake (?:is|was)
FAMILY(?: is| was)? gone(?! (?:to|for|out|on|crazy|wild|mad|too|viral|\w+ing))
miscarr(?:y|ied|iages?|ying)|still-?(?:born|birth)\w*|kicked the bucket|snuffed it
r\.?i\.?p\.? (?:to )?(?:(?:my|our|his|her|the|a|old|late|sweet|little|dear|best) ){0,3}SOMEBODY
put(?:ting)? (?:him|her|them|(?:my|our|the|his) (?:\w+ )?PETs?) (?:down|to sleep)
put down (?:my|our|the) SOME PETs?|(?:to be|was|were|being) put (?:down|to sleep)(?! (?:as|for))
had to put (?:\w+ ){1,5}(?:down|to sleep)
pull(?:ed|ing)? the plug on (?:him|her|WHOSE (?:\w+ )?SOMEBODY)|euthan\w+
(?:said|say|saying) (?:goodbye|good bye|bye|farewell) to (?:my|our|his|her) SOME SOMEBODY
(?:accident|cancer|covid|crash|war|illness|overdose) took
(?:\d+|two|three|four|five|six|ten|dead) bodies|has (?:just |sadly )?died
(?:shot|stabbed|beaten) (?:and killed|to death)|(?:mass|school|active) shoot(?:ing|er)s?
(?:got|was|were) run over
(?:killed|murdered) (?:\w+ ){0,2}(?:people|kids|children|civilians|students)
(?:crash|accident|attack|fire|bombing|shooting|earthquake|war) (?:\w+ ){0,2}killed
(?:hit|run over) by an? (?:\w+ )?(?:car|truck|train|bus|driver)
(?:his|her|their) (?:death|heart stopped)|death of WHOSE (?:\w+ )?SOMEBODY
death (?:in|of) (?:my|our|his|her|the) (?:family|\w*(?:mother|father))
bled to death|bled out before the
# illness
cancers?|canser|tumou?rs?|leuk[ae]+mia|lymphoma|melanoma|sarcoma|metasta\w+|malignant|biops\w+
oncolog\w+|chemo\w*|radiotherapy
aneurysms?|sepsis|dialysis|cystic fibrosis|alzheimer'?s?|dementia|parkinson'?s?(?! law)|hiv|coma|icu
intensive care|life support|ventilator
(?:terminal|terminally|incurably) (?:ill|illness|diagnosis|disease|patient)\w*|it'?s terminal
inoperable|incurable|stage (?:4|iv|four)(?=\s*$|\s*[,.])
(?:days|weeks|months|years?) (?:left )?to live
gave (?:him|her|me|them) (?:\w+ ){1,2}(?:days|weeks|months)
(?:had|has|having|suffered|after|survived) (?:a|another|two) (?:\w+ )?(?:stroke|seizure)s?
heart (?:attack|failure)
(?:kidney|liver|organ)s? (?:is |are )?fail(?:ing|ure|ed)
spread to (?:the|his|her|my) (?:liver|lung|brain|bone|lymph)\w*|hospitali[sz]ed
diagnosed with(?! (?:adhd|add|autism|autistic|asperger|dyslexia|ocd|terminal\b))|remission
palliative|(?:brain|heart|emergency|cancer) surgery|transplant|lump in (?:my|her|his)|sclerosis
meningitis
rushed (?:\w+ )?to (?:the )?(?:hospital|er)
# violence
rap(?:ed|ists?)|(?:was|were|been|got|a|of) rape|molest\w*|sexual(?:ly)? (?:assault|abuse)\w*
"""

_FATE = r"""
# what follows on WHO
SOME (?:died|dies|drowned|(?:is|was|are) (?:slowly )?dying|dying of)
(?:\w+ ){0,2}passed(?: peacefully| suddenly| unexpectedly| in (?:his|her|their) sleep)
(?:\w+ ){0,2}passed(?: WHEN|(?=\s*$|\s*[,.;]))(?! (?:exam|test|class|round|year's))
(?:just |really |already |now |both )?(?:is|are|was|were|be|being|lay) (?:\w+ )?dead
dead (?:in|at|from|for)|dead(?=\s*(?:$|[.,!?;:(]|and|now|since|because|lol|lmao|haha))
(?:\w+ )?(?:did|wo|is|might|may|was)NOT (?:going to |gonna )?make it(?: through|(?=\s*$|\s*[,.!;]))
(?:\w+ )?(?:was|were|got|been|being) (?:\w+ )?(?:killed|murdered|shot|stabbed)
death|heart stopped
"""


_HARMLESS_PHRASE = whole_words(any_of(_HARMLESS), _WORDS)
_GRAVE_PHRASE = whole_words(any_of(_GRAVE, f"WHO(?:'?s)? {any_of(_FATE)}"), _WORDS)
_SPELLED_OUT = re.compile(r"\b[a-z](?:[ .*_-]{1,2}[a-z]){2,}(?![^\W_])")
_DISGUISED = re.compile(r"(?<=[a-z])[0134@$!](?=[a-z])")
_LETTERS = dict(zip("0134@$!", "oieaasi", strict=True))


def is_grave(message: str) -> bool:
    """Return whether a message speaks of self-harm, of death or of grave illness.

    >>> [is_grave("my grandpa just died lol"), is_grave("this lag is killing me")]
    [True, False]
    """
    plain = " ".join(normalize(strip_markup(message)).split())
    plain = _DISGUISED.sub(lambda found: _LETTERS[found[0]], plain)
    plain = _SPELLED_OUT.sub(lambda found: "".join(filter(str.isalpha, found[0])), plain)
    # Few messages have a grave phrase, so harmless phrases are looked for only then.
    return bool(_GRAVE_PHRASE.search(plain) and _GRAVE_PHRASE.search(_HARMLESS_PHRASE.sub(" ", plain)))
