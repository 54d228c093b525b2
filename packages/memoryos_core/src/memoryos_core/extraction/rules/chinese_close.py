"""Chinese rules on what and who is close to the speaker: tastes, belongings, people, animals."""

import re

from memoryos_core.extraction.rules.chinese_phrases import (
    CHAR,
    CLOSE,
    ME,
    MUCH,
    NAME,
    PET,
    PLAYED,
    RELATION,
    SPORT,
    THING,
    UNLIKED,
    say,
)
from memoryos_core.extraction.rules.rule import Rule

DONE = "(?:喝|吃|看|玩|抽)"

CLOSE_RULES = (
    Rule(
        name="allergic",
        slot="allergy",
        pattern=say(rf"{ME}对(?P<value>[^\s,;:!?。\ufffc]{{1,16}}?)(?:严重|重度|会|很)?过敏"),
        listed=True,
        rejects=re.compile(r"[你您他她它这那]|.*(?:不|没|没有|任何.*|什么.*)$|任何|什么"),
        confidence=0.95,
    ),
    Rule(
        name="diet",
        slot="diet",
        pattern=say(rf"{ME}(?:是(?:一个|个|一名)?(?:素食主义者|素食者)|吃素|只吃素)"),
        value="素食",
        confidence=0.95,
    ),
    Rule(name="vegan", slot="diet", pattern=say(rf"{ME}是(?:一个|个)?(?P<value>纯素主义者|纯素食者)")),
    Rule(
        name="diet_ended",
        slot="diet",
        pattern=say(rf"{ME}(?:不再(?:吃素|是素食者|是素食主义者)|(?:已经)?不(?:吃素|是素食者|是素食主义者)了)"),
        value="素食",
        ended=True,
    ),
    Rule(
        name="likes",
        slot="likes",
        pattern=say(rf"{ME}{MUCH}(?:喜欢|爱|热爱){THING}"),
        rejects=UNLIKED,
        confidence=0.7,
    ),
    Rule(name="hobby", slot="likes", pattern=say(rf"我的(?:爱好|兴趣)是{THING}"), rejects=UNLIKED),
    Rule(
        name="likes_no_more",
        slot="likes",
        pattern=say(rf"{ME}不再(?:喜欢|爱){THING}了?"),
        rejects=UNLIKED,
        ended=True,
    ),
    Rule(
        name="likes_no_more_le",
        slot="likes",
        pattern=say(rf"{ME}不(?:喜欢|爱){THING}了"),
        rejects=UNLIKED,
        ended=True,
    ),
    Rule(
        name="does_no_more",
        slot="likes",
        pattern=say(rf"{ME}(?:不再|已经不){DONE}(?!素){THING}了?"),
        rejects=UNLIKED,
        ended=True,
    ),
    Rule(
        name="consumes_no_more",
        slot="likes",
        pattern=say(rf"{ME}(?:不再|已经不)(?P<value>{DONE}{CHAR}{{1,13}}?)了?"),
        rejects=re.compile("吃素"),
        ended=True,
    ),
    Rule(
        name="dislikes",
        slot="dislikes",
        pattern=say(rf"{ME}{MUCH}(?:讨厌|不喜欢|不太喜欢|不爱|受不了){THING}(?<!了)(?!了)"),
        rejects=UNLIKED,
        confidence=0.7,
    ),
    Rule(
        name="favorite",
        slot="favorite:",
        pattern=say(
            rf"我最(?:喜欢|爱)的(?P<kind>颜色|乐队|歌手|歌|电影|书|作家|食物|菜|水果|饮料|动物|运动|球队|"
            rf"城市|季节|游戏|演员|电视剧|甜点|花)(?:就)?是{THING}"
        ),
    ),
    Rule(
        name="relation",
        slot="relation:",
        pattern=say(rf"我们?(?:家)?的?{RELATION}(?:的)?(?:名字)?(?:就)?(?:叫做|叫|是叫){NAME}"),
        rejects=CLOSE,
        confidence=0.9,
    ),
    Rule(name="relation_name", slot="relation:", pattern=say(rf"我们?的?{RELATION}的名字是{NAME}"), confidence=0.9),
    Rule(name="best_friend", slot="relation:", pattern=say(rf"我的?(?P<kind>最好的朋友|老婆|妻子|丈夫|老公)是{NAME}")),
    Rule(
        name="pet",
        slot="pet:",
        pattern=say(rf"我们?家?的?(?:养的)?{PET}(?:的名字)?(?:叫做|叫|是){NAME}"),
        confidence=0.9,
    ),
    Rule(
        name="has_pet",
        slot="pet:",
        pattern=say(
            rf"我们?(?:家)?(?:里)?(?:养了|有|养着)(?:一|两)?(?:只|条|个)?小?{PET}[,\s]*(?:它)?(?:的)?(?:名字)?"
            rf"(?:叫做|叫){NAME}"
        ),
    ),
    Rule(name="plays", slot="plays", pattern=say(rf"{ME}(?:会|在学|学过)?(?:弹|拉|吹|打)(?P<value>{PLAYED}|{SPORT})")),
    Rule(name="drives", slot="owns", pattern=say(rf"{ME}开(?:的是)?(?:一辆|辆)(?P<value>{CHAR}{{2,10}})")),
    Rule(
        name="bought",
        slot="owns",
        pattern=say(
            rf"{ME}(?:买了|拥有)(?:一辆|一套|一栋|一台|一架|一把)(?P<value>(?:[\u4e00-\u9fff]|[a-z0-9]){{1,8}})"
        ),
    ),
    Rule(name="sold", slot="owns", pattern=say(rf"{ME}把(?:我?的?)(?P<value>{CHAR}{{1,8}}?)卖"), ended=True),
)
