"""Parts that Chinese rules are made of."""

import re

from memoryos_core.extraction.rules.chinese_words import (
    EMPLOYER_ENDS,
    EMPLOYERS,
    JOBS,
    PETS,
    PLACES,
    RELATIONS,
    WORK_ON,
)

_LEAD = (
    r"(?:(?:那|其实|而且|但是|但|可是|不过|因为|由于|所以|另外|还有|对了|顺便说一下|顺便说一句|顺便提一下|"
    r"说实话|老实说|你好|您好|大家好|"
    r"嗨|嗯|是的|对|而|并且|虽然|同时|我说过|我跟你说过|请记住|记住|记得|提醒一下|哦|啊|哎|hi|hello)\s*)*"
)
_TAIL = r"(?:了|呢|啊|呀|哦|哈|的|啦|嘛|吧|哟)*\s*"
WHEN = (
    r"(?:现在|目前|一直|就|也|还|从小|今年|已经|正|最近|刚|刚刚|平时|上个月|上周|去年|前年|上个礼拜|昨天|前天|"
    r"今天|每天|每周.|周末|都|常|经常|常常|\s)*+"
)
"""What may stand before the verb, taken once and for all (possessive): a word that is two of the others would
otherwise be tried in every combination.
"""
ME = rf"(?:(?P<me>我们?)|){WHEN}"
MUCH = r"(?:很|特别|非常|最|超级|超|真的|一直|从小就?|比较|还是|也|都|挺|蛮|尤其|十分|更|就|平时|一般|周末|最近|\s)*+"
CHAR = "[^\\s,;:!?。、\ufffc]"
NAME = r"(?P<value>(?:(?![我你他她它们去来做过不没什了吗着])[\u4e00-\u9fff]){1,4}|[a-z][a-z'-]+(?: [a-z][a-z'-]+)?)"
NAME_SHORT = NAME.replace("{1,4}", "{1,4}?")
PLACE = r"(?P<value>[\u4e00-\u9fff]{2,8}?|[a-z][a-z .'-]+)"
THING = rf"(?P<value>{CHAR}{{1,14}}?)"
TONGUE = r"[\u4e00-\u9fff]{1,4}(?:语|文|话)"
RELATION = rf"(?P<kind>{'|'.join(sorted(RELATIONS, key=len, reverse=True))})"
PET = rf"(?P<kind>{'|'.join(sorted(PETS, key=len, reverse=True))})"
EMPLOYER = (
    rf"(?:一家|一个|一所|家)?(?P<value>(?:[\u4e00-\u9fff]{{0,10}}?(?:{EMPLOYER_ENDS}))|{EMPLOYERS}|[a-z][a-z&.' -]+)"
)
NAMED_EMPLOYER = r"(?P<value>(?:(?![我你您他她它们的了着过和跟与是不没有在这那哪什家都也])[\u4e00-\u9fff]){2,6})"
NOT_AN_EMPLOYER = re.compile(
    rf"(?:{PLACES}|一|外|国外|海外|老家|互联网|努力|认真|拼命|辛苦|远程|居家|兼职|全职|正常|准时|按时|专心|好好|"
    rf"埋头|继续|坚持|加班|疯狂|独立|自由|轮流|晚上|白天|周|早|夜|深夜|同一|当地|{WORK_ON}|本地|异地|上|下|前|后|隔壁)"
    r"|.*(?:里|上|下|中|内|外|边|面|处|市|省|区|县|镇|乡|村|国|州|地|岛|港|部门?|城|路|街|楼|行业|领域|间|一起|附近|"
    r"场|站|堂|店|头|台|厅|吧|馆|院|室|坊|摊|库|矿|门|口|山|河|湖|江|桥|嘴|环|湾|洲|园|单位|公司|组|层)$"
)
JOB = rf"(?P<value>[\u4e00-\u9fff]{{0,6}}?(?:{JOBS}))"
NOT_A_PLACE = re.compile(
    r".*(?:的|里$|上$|中$|家酒店|酒店|宾馆|医院|宿舍|学校|公司|家里|这里|那里|哪里|隔壁|附近|楼|电影|月球|"
    r"火星|乡下|农村|郊区|市区|一家|一个|一间|别人)|"
    r"(?:未来|过去|古代|外星|地球|宇宙|太空|外太空|天堂|天上|地狱|异世界|二次元|另|远方|现实|平行)"
)
NOT_A_PEOPLE = re.compile(
    r"(?:.*的|.*个|本地|外地|好|坏|病|工|大|小|成年|女|男|老|年轻|普通|负责|主持|当事|中间|候选|一|这|"
    r"那|什么|素食|聪明|有钱|打工|内向|外向|当地|过来|局外|机器|同龄)"
)
UNLIKED = re.compile(
    r"(?:[你您他她它这那哪谁人]|上了?|过|的|了|自己|大家|什么|一个人|同|不|没|看你|听你|和你|跟你|死|莫|"
    r"我|人家|别人|.*(?:的人|的时候|的是|这|那))"
)
PLAYED = r"(?:钢琴|吉他|小提琴|大提琴|古筝|二胡|琵琶|笛子|萨克斯|架子鼓|尤克里里|贝斯|口琴|电子琴)"
SPORT = r"(?:篮球|足球|网球|羽毛球|乒乓球|排球|高尔夫|高尔夫球|台球|棒球|麻将|桥牌|太极拳?)"
CLOSE = re.compile(r"[我你他她它]")


def say(pattern: str) -> re.Pattern[str]:
    """Return the pattern of a whole clause, with what may lead it in and follow it."""
    return re.compile(_LEAD + pattern + _TAIL, re.IGNORECASE)
