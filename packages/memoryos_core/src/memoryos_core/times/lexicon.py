"""The words of time in English, Chinese, German and Spanish, each with the code that the grammar knows it by."""

from collections.abc import Iterable

Meaning = tuple[str, int]
"""A code of one letter, and a value. The codes:

====  ==================================================  ===========================
code  what it is                                          value
====  ==================================================  ===========================
M m   a month; `m` may be another word too (may, march)   1..12
w     a weekday                                           0 (Monday) .. 6
k     the weekend                                         --
s     a season                                            its first month
u     a unit                                              a `Unit`
n j   a number; `n` in digits, which may be a day         the number
l t x last, this, next (before what they are said of)     -2, -1; 0; 1
P     last, said after its unit (Spanish)                 -1
p     past, of a span that reaches up to now              -1
a h   ago, after or before what it is said of             --
b A   before, after                                       --
f     a day                                               days from today
g G   a part of the day; `G` with its day                 first hour; days from today
O     a year                                              years from this one
e     early, middle, late                                 0, 1, 2
i I   a preposition of time; `I` of days                  --
z     what years are not counted in                       --
" "   a word that says nothing here                       --
====  ==================================================  ===========================
"""


def _numbered(code: str, words: str, *, first: int = 0) -> dict[str, Meaning]:
    """Return the words of each comma's group under the number of the group."""
    return {word: (code, first + n) for n, group in enumerate(words.split(",")) for word in group.split()}


def _all(code: str, value: int, words: str) -> dict[str, Meaning]:
    return dict.fromkeys(words.split(), (code, value))


def _inflected(code: str, value: int, stems: Iterable[str], endings: Iterable[str]) -> dict[str, Meaning]:
    return {stem + ending: (code, value) for stem in stems for ending in endings}


_ENGLISH: dict[str, Meaning] = {
    **_numbered(
        "M",
        "january jan,february feb,,april apr,,june jun,july jul,august aug,september sept sep,october oct,november nov,"
        "december dec",
        first=1,
    ),
    **_all("m", 3, "march mar"),
    **_all("m", 5, "may"),
    **_numbered("w", "monday,tuesday tue tues,wednesday,thursday thu thur thurs,friday fri,saturday,sunday"),
    **_all("k", 0, "weekend"),
    **_all("s", 3, "spring"),
    **_all("s", 6, "summer"),
    **_all("s", 9, "autumn fall"),
    **_all("s", 12, "winter"),
    **_numbered("u", "minute minutes,hour hours,day days,week weeks,month months,quarter,year years,decade decades"),
    **_numbered("j", "a an one,two couple,three few several,four,five,six,seven,eight,nine,ten,eleven,twelve", first=1),
    **_all("l", -1, "last previous"),
    **_all("p", -1, "past"),
    **_all("t", 0, "this current"),
    **_all("x", 1, "next coming upcoming"),
    **_all("a", 0, "ago"),
    **_all("b", 0, "before"),
    **_all("A", 0, "after"),
    **_numbered("f", "yesterday,today,tomorrow", first=-1),
    **_all("G", 0, "tonight"),
    **_all("g", 0, "morning"),
    **_all("g", 12, "afternoon"),
    **_all("g", 18, "evening night"),
    **_numbered("e", "early beginning start,mid middle,late end"),
    **_all("I", 0, "on"),
    **_all("i", 0, "in during since until till by from around through throughout"),
    **_all("z", 0, "people dollars euros pounds calories kcal steps words times points items users miles meters km kg"),
    **_all(" ", 0, "the of"),
}

_GERMAN: dict[str, Meaning] = {
    **_numbered(
        "M",
        "januar jänner,februar,märz,april,mai,juni,juli,august,september,oktober,november,dezember",
        first=1,
    ),
    **_numbered("w", "montag,dienstag,mittwoch,donnerstag,freitag,samstag sonnabend,sonntag"),
    **_all("k", 0, "wochenende"),
    **_all("s", 3, "frühling frühjahr"),
    **_all("s", 6, "sommer"),
    **_all("s", 9, "herbst"),
    **_numbered(
        "u", "minuten,stunde stunden,tag tage tagen,woche wochen,monat monate monaten,quartal,jahr jahre jahren"
    ),
    **_numbered("j", "ein eine einem einer,zwei,drei,vier,fünf,sechs,sieben,acht,neun,zehn,elf,zwölf", first=1),
    **_inflected("l", -1, ("letzt", "vergangen", "vorig"), ("e", "en", "er", "es", "em")),
    **_inflected("t", 0, ("dies",), ("e", "en", "er", "es", "em")),
    **_inflected("x", 1, ("nächst", "kommend"), ("e", "en", "er", "es", "em")),
    **_all("h", 0, "vor"),
    **_all("A", 0, "nach"),
    **_numbered("f", "vorgestern,gestern,heute,,übermorgen", first=-2),
    **_all("g", 0, "früh"),
    **_all("g", 18, "abend nacht"),
    **_numbered("e", "anfang,mitte,ende"),
    **_all("I", 0, "am"),
    **_all("i", 0, "im seit bis"),
    **_all(" ", 0, "der den dem des"),
}

_SPANISH: dict[str, Meaning] = {
    **_numbered(
        "M",
        "enero,febrero,marzo,abril,mayo,junio,julio,agosto,septiembre setiembre,octubre,noviembre,diciembre",
        first=1,
    ),
    **_numbered("w", "lunes,martes,miércoles,jueves,viernes,sábado,domingo"),
    **_all("s", 3, "primavera"),
    **_all("s", 6, "verano"),
    **_all("s", 9, "otoño"),
    **_all("s", 12, "invierno"),
    **_numbered("u", "minutos,hora horas,día días,semana semanas,mes meses,trimestre,año años"),
    **_numbered("j", "un una,dos,tres,cuatro,cinco,seis,siete,ocho,nueve,diez,once,doce", first=1),
    **_inflected("P", -1, ("pasad",), ("o", "a")),
    **_inflected("p", -1, ("últim",), ("o", "a", "os", "as")),
    **_all("t", 0, "este esta"),
    **_inflected("x", 1, ("próxim",), ("o", "a")),
    **_all("h", 0, "hace"),
    **_all("b", 0, "antes"),
    **_all("A", 0, "después"),
    **_numbered("f", "anteayer,ayer,hoy", first=-2),
    **_all("G", -1, "anoche"),
    **_all("g", 18, "noche"),
    **_numbered("e", "principios,mediados,finales"),
    **_all("i", 0, "en desde hasta"),
    **_all(" ", 0, "de del el la los las"),
}

CHINESE: dict[str, Meaning] = {
    **_all("k", 0, "周末"),
    **_all("s", 3, "春天 春季"),
    **_all("s", 6, "夏天 夏季 暑假"),
    **_all("s", 9, "秋天 秋季"),
    **_all("s", 12, "冬天 冬季 寒假"),
    **_numbered("u", "分钟,小时,天,周 星期 礼拜,月,季度,年"),
    **_all("j", 3, "几"),
    **_all("l", -2, "上上"),
    **_all("l", -1, "上"),
    **_all("t", 0, "这 本"),
    **_all("x", 1, "下"),
    **_all("p", -1, "最近 过去 近"),
    **_all("a", 0, "前 以前 之前"),
    **_numbered("f", "大前天,前天,昨天 昨日,今天 今日,明天,后天", first=-3),
    **_numbered("G", "昨晚 昨夜,今晚", first=-1),
    **_all("g", 0, "早上 上午 早晨"),
    **_all("g", 12, "下午 中午"),
    **_all("g", 18, "晚上 夜里"),
    **_numbered("O", "前年,去年,今年,明年", first=-2),
    **_numbered("e", "初 上旬,中旬,底 末 下旬"),
    **_all("i", 0, "在"),
    **_all(" ", 0, "的 个"),
}

LEXICON = _SPANISH | _GERMAN | _ENGLISH | CHINESE
