"""Chinese rules on who the speaker is: name, age, home, work."""

import re

from memoryos_core.extraction.rules.chinese_phrases import (
    CHAR,
    EMPLOYER,
    JOB,
    ME,
    NAME,
    NAMED_EMPLOYER,
    NOT_A_PEOPLE,
    NOT_A_PLACE,
    NOT_AN_EMPLOYER,
    PLACE,
    THING,
    TONGUE,
    WHEN,
    say,
)
from memoryos_core.extraction.rules.rule import Rule

WORK = r"(?:工作|上班|任职|就职)"
FROM = rf"从{CHAR}{{2,8}}?"
CHANGED = rf"{ME}(?:(?:换工作|换了工作|换了份工作|换了一份工作|跳槽)了?[,\s]*我?{WHEN})?"

SELF_RULES = (
    Rule(
        name="name",
        slot="name",
        pattern=say(rf"我(?:的名字)?(?:叫做|名叫|叫|的名字是|的名字叫){NAME}"),
        rejects=re.compile(r"(?:车|外卖|醒|滴滴|一|救护|服务|停|卖|板|人|大家|别|朋友|老|妈|爸|重)"),
    ),
    Rule(
        name="lives",
        slot="location",
        pattern=say(rf"{ME}(?:住在|定居在?|居住在|常住){PLACE}"),
        rejects=NOT_A_PLACE,
        confidence=0.9,
    ),
    Rule(
        name="moved",
        slot="location",
        pattern=say(rf"{ME}(?:从{CHAR}{{2,8}}?)?搬(?:家)?(?:到|去)了?{PLACE}(?:住|定居)?"),
        rejects=NOT_A_PLACE,
    ),
    Rule(
        name="lived",
        slot="location",
        pattern=say(rf"{ME}(?:以前|曾经|过去|原来|之前)住在?过?{PLACE}"),
        ended=True,
        rejects=NOT_A_PLACE,
    ),
    Rule(
        name="lives_no_more",
        slot="location",
        pattern=say(rf"{ME}不(?:再)?住在?{PLACE}了"),
        ended=True,
        rejects=NOT_A_PLACE,
    ),
    Rule(name="from", slot="hometown", pattern=say(rf"{ME}来自{PLACE}"), rejects=NOT_A_PLACE),
    Rule(
        name="people",
        slot="hometown",
        pattern=say(r"我是(?:土生土长的|地道的)?(?P<value>[\u4e00-\u9fff]{2,4})人"),
        rejects=NOT_A_PEOPLE,
    ),
    Rule(name="old_home", slot="hometown", pattern=say(rf"我?(?:的)?老家(?:在|是){PLACE}"), rejects=NOT_A_PLACE),
    Rule(
        name="job",
        slot="job",
        pattern=say(rf"{ME}(?:是|做)(?:一名|一位|一个|名|个|位)?{JOB}"),
        rejects=re.compile(r".*[的我你他她]|不"),
    ),
    Rule(name="job_is", slot="job", pattern=say(rf"我的(?:工作|职业)是(?:一名|一位|一个)?{JOB}")),
    Rule(name="job_at", slot="job", pattern=say(rf"{ME}在{CHAR}{{2,12}}?(?:当|做){JOB}")),
    Rule(
        name="works_at",
        slot="employer",
        pattern=say(rf"{CHANGED}在{EMPLOYER}(?:{WORK}|当{CHAR}{{2,8}}|做{CHAR}{{2,8}})"),
    ),
    Rule(
        name="works_at_named",
        slot="employer",
        pattern=say(rf"{CHANGED}在{NAMED_EMPLOYER}{WORK}"),
        rejects=NOT_AN_EMPLOYER,
        confidence=0.7,
    ),
    Rule(
        name="joined",
        slot="employer",
        pattern=say(rf"{ME}(?:{FROM}(?:跳槽|跳)(?:到|去)|跳槽(?:到|去)|入职)了?{EMPLOYER}"),
    ),
    Rule(
        name="joined_named",
        slot="employer",
        pattern=say(rf"{ME}(?:{FROM}(?:跳槽|跳)(?:到|去)|跳槽(?:到|去))了?{NAMED_EMPLOYER}"),
        rejects=NOT_AN_EMPLOYER,
        confidence=0.7,
    ),
    Rule(
        name="works_no_more",
        slot="employer",
        pattern=say(rf"{ME}不再?在{EMPLOYER}(?:{WORK}|干)"),
        ended=True,
    ),
    Rule(
        name="works_no_more_named",
        slot="employer",
        pattern=say(rf"{ME}不再?在{NAMED_EMPLOYER}{WORK}了"),
        ended=True,
        rejects=NOT_AN_EMPLOYER,
    ),
    Rule(
        name="worked_at",
        slot="employer",
        pattern=say(rf"{ME}(?:以前|曾经|过去|原来|之前)在{EMPLOYER}(?:工作|上班|任职|干)过?"),
        ended=True,
    ),
    Rule(
        name="worked_at_named",
        slot="employer",
        pattern=say(rf"{ME}(?:以前|曾经|过去|原来|之前)在{NAMED_EMPLOYER}{WORK}过?"),
        ended=True,
        rejects=NOT_AN_EMPLOYER,
    ),
    Rule(
        name="quit",
        slot="employer",
        pattern=say(rf"{ME}从{EMPLOYER}(?:辞职|离职|跳槽|跳)(?:(?:到|去)了?{CHAR}+)?"),
        ended=True,
    ),
    Rule(
        name="quit_named",
        slot="employer",
        pattern=say(rf"{ME}从{NAMED_EMPLOYER}(?:辞职|离职|跳槽)(?:(?:到|去)了?{CHAR}+)?"),
        ended=True,
        rejects=NOT_AN_EMPLOYER,
    ),
    Rule(
        name="birthday",
        slot="birthday",
        pattern=say(r"我的?生日(?:是|在)(?:每年的?)?(?P<value>(?:农历|阴历)?[\d一二三四五六七八九十年月日号]{3,})"),
        confidence=0.95,
    ),
    Rule(
        name="born",
        slot="birthday",
        pattern=say(
            r"我(?:是)?(?:出生于|生于|出生在)?(?P<value>\d{4}年(?:\d{1,2}月(?:\d{1,2}[日号])?)?)(?:出生|生)?(?:的)?"
        ),
        rejects=None,
    ),
    Rule(
        name="age",
        slot="age",
        pattern=say(rf"{ME}(?:快|刚满|刚)?(?P<value>\d{{1,2}}|[一二三四五六七八九]?十[一二三四五六七八九]?)岁"),
    ),
    Rule(name="married", slot="marital", pattern=say(rf"{ME}(?:结婚|已婚)(?:了|很多年了?|多年)?"), value="已婚"),
    Rule(name="divorced", slot="marital", pattern=say(rf"{ME}(?:离婚|离异|离了婚)"), value="离异"),
    Rule(name="single", slot="marital", pattern=say(rf"{ME}(?:是)?单身"), value="单身"),
    Rule(name="children", slot="children", pattern=say(rf"{ME}有(?P<value>[一两二三四五\d])个?(?:孩子|小孩|娃)")),
    Rule(
        name="studies",
        slot="studies",
        pattern=say(rf"我(?:的专业是|大学学的是|本科读的是|学的是|读的是|主修){THING}"),
    ),
    Rule(
        name="speaks",
        slot="speaks",
        pattern=say(rf"{ME}会(?:说|讲)(?:一点|流利的)?(?P<value>{TONGUE}(?:(?:和|、|以及|跟){TONGUE})*)"),
        listed=True,
    ),
    Rule(name="native", slot="speaks", pattern=say(rf"我的?母语是(?P<value>{TONGUE})")),
    Rule(name="home", slot="location", pattern=say(rf"我家(?:现在)?(?:在|住){PLACE}"), rejects=NOT_A_PLACE),
)
