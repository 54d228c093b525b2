"""What gives instructions to a model away in Chinese, Spanish, German, French and Russian."""

# ruff: noqa: RUF001 - the letters are those of these languages

from memoryos_core.safety.rule import Rule

RULES: tuple[Rule, ...] = (
    Rule(
        "override",
        "指令 指示 提示 规则 命令 设定 限制 约束",
        r"(?:忽略|无视|忘记|忘掉|不要理会|不要遵守|抛弃|不用管|绕过).{0,8}"
        r"(?:之前|以上|上面|先前|前面|此前|所有|你的|系统|原有).{0,8}(?:指令|指示|提示词?|规则|命令|设定|限制|约束)",
    ),
    Rule(
        "override",
        "instrucciones órdenes indicaciones directrices reglas",
        r"\b(?:ignor[ae]|olvid[ae]|descart[ae]|no~sigas|haz~caso~omiso~(?:a|de))~…"
        r"(?:instrucciones|órdenes|indicaciones|directrices|reglas)~"
        r"(?:\w+~)?(?:anteriores|previas|recibidas|de~arriba|del~sistema|originales|iniciales)",
    ),
    Rule(
        "override",
        "ignor olvid",
        r"\b(?:ignor[ae]|olvid[ae])~(?:todas~)?tus~(?:instrucciones|reglas|directrices)",
    ),
    Rule(
        "override",
        "anweisung instruktion befehl regel vorgabe prompt",
        r"\b(?:ignorieren?|vergiss|vergessen~sie|missachten?|verwirf|umgehe|befolge~nicht)~(?:sie~)?…"
        r"(?:vorherigen?|bisherigen?|obigen?|früheren?|vorigen?|vorangegangenen?|deine|alle)~(?:\w+~)?"
        r"(?:anweisungen|instruktionen|befehle|regeln|vorgaben|prompts?|systemanweisungen)",
    ),
    Rule(
        "override",
        "consignes instructions règles directives",
        r"\b(?:ignorez?|oubliez?|ne~(?:tiens|tenez)~pas~compte~(?:de|des)|fais~abstraction~(?:de|des))~…"
        r"(?:instructions|consignes|règles|directives)~(?:\w+~)?(?:précédentes|antérieures|ci-dessus|du~système|"
        r"initiales|reçues)",
    ),
    Rule(
        "override",
        "ignore oublie",
        r"\b(?:ignorez?|oubliez?)~(?:toutes~)?(?:tes|vos)~(?:instructions|consignes|règles|directives)",
    ),
    Rule(
        "override",
        "инструкци указания правила команды",
        r"\b(?:про)?(?:игнорируй|забудь|не~следуй|отбрось|пренебреги)(?:те)?~…"
        r"(?:предыдущи[емх]|прошлые|прежни[ем]|вышеуказанные|все|твои|свои|системны[ем])~(?:\w+~)?"
        r"(?:инструкци[ияюям]+|указания|правила|команды)",
    ),
    Rule(
        "new_role",
        "你 模式",
        r"你(?:现在|从现在起|从此)(?:必须|不再(?:是|受|遵守)|是一个?(?:没有|不受)|要扮演|处于开发者)|(?:开启|进入|启用)(?:开发者|越狱|上帝|管理员)模式",
    ),
    Rule(
        "new_role",
        "ahora activa",
        r"\b(?:ahora~debes|desde~ahora~eres|ahora~eres~(?:una?~)?(?:ia|dan|asistente)|"
        r"activa~el~modo~(?:desarrollador|dios))\b",
    ),
    Rule(
        "new_role",
        "du aktiviere",
        r"\bdu~(?:musst|sollst|wirst)~(?:jetzt|nun|ab~sofort|fortan)~(?:immer|nur|stets|alle|gehorchen|antworten|"
        r"ignorieren|nie)\b"
        r"|\bdu~bist~(?:jetzt|nun|ab~sofort)~(?:ein~|eine~)?(?:\w+~)?(?:ki|dan|assistent|uneingeschränkt\w*)\b"
        r"|\baktiviere~den~(?:entwickler|admin)modus",
    ),
    Rule(
        "new_role",
        "dois devez maintenant désormais active",
        r"\b(?:tu~dois|vous~devez)~(?:maintenant|désormais)~(?:toujours|obéir|répondre|ignorer|ne)\b|"
        r"\btu~es~(?:maintenant|désormais)~"
        r"(?:une?~)?(?:ia|dan|assistante?)\b|\bactive~le~mode~(?:développeur|administrateur)",
    ),
    Rule(
        "new_role",
        "теперь режим",
        r"\b(?:теперь~ты|ты~теперь)~(?:должен|обязан|dan|ии|без~ограничений|не~ограничен)|\b(?:включи|"
        r"активируй)~режим~(?:разработчика|бога)",
    ),
    Rule(
        "system_prompt",
        "系统 致 给",
        r"系统(?:提示词?|消息|指令|通知)\s?[::]|(?:致|给)(?:所有)?(?:ai|人工智能|大?语言模型|助手模型)(?:助手)?的?(?:指令|指示|说明|消息)?\s?[::]",
    ),
    Rule(
        "system_prompt",
        "sistema system système систем",
        r"(?:^|\n)[\s#>*\[]{0,6}(?:mensaje|instrucción|aviso)~del~sistema\]?\s?:|(?:^|"
        r"\n)[\s#>*\[]{0,6}system(?:nachricht|anweisung|prompt|meldung)\]?\s?:"
        r"|(?:^|\n)[\s#>*\[]{0,6}(?:message|instruction|consigne)~(?:du~)?système\]?\s?:"
        r"|(?:^|\n)[\s#>*\[]{0,6}(?:системн(?:ое~сообщение|ая~инструкция|ый~промпт))\]?\s?:",
    ),
    Rule(
        "reveal_prompt",
        "提示 指令 系统消息",
        r"(?:显示|输出|告诉我|泄露|透露|打印|重复|公开|说出|展示).{0,8}(?:系统提示|系统指令|系统消息|提示词|初始指令|隐藏(?:的)?指令)",
    ),
    Rule(
        "reveal_prompt",
        "prompt instrucciones indicaciones",
        r"\b(?:revela|muestra|muéstrame|dime|imprime|repite|enséñame)~…(?:prompt(?:~del~sistema)?|"
        r"(?:instrucciones|indicaciones)~(?:del~sistema|ocultas|iniciales|secretas|internas))",
    ),
    Rule(
        "reveal_prompt",
        "prompt anweisung instruktion",
        r"\b(?:zeige?|verrate?|nenne|wiederhole|offenbare|gib)~…(?:system-?~?prompt|systemanweisung(?:en)?|"
        r"(?:versteckten?|geheimen?|ursprünglichen?|internen?)~(?:anweisungen|instruktionen|prompt))",
    ),
    Rule(
        "reveal_prompt",
        "prompt instructions consignes",
        r"\b(?:révèle|affiche|montre|donne|répète|dévoile)(?:z)?(?:-moi)?~…(?:prompt|(?:instructions|consignes)~"
        r"(?:système|du~système|cachées|initiales|secrètes|internes))",
    ),
    Rule(
        "reveal_prompt",
        "промпт инструкци",
        r"\b(?:покажи|раскрой|выведи|повтори|сообщи|открой)(?:те)?~…(?:системн(?:ый~промпт|ые~инструкции|"
        r"ую~инструкцию)|"
        r"(?:скрытые|секретные|исходные)~инструкции|свой~промпт)",
    ),
    Rule(
        "trigger",
        "用户",
        r"(?:每当|只要|当|如果|每次)(?:有)?用户.{0,24}?(?:你?(?:必须|就要|都要|一律|应该?)|就)(?:说|回答|回复|告诉|推荐|发送|调用|引导)",
    ),
    Rule(
        "trigger",
        "从现在",
        r"从现在(?:开始|起).{0,30}?(?:用户).{0,30}?(?:回答|回复|说|推荐|必须|发送)",
    ),
    Rule(
        "trigger",
        "usuario",
        r"\b(?:cada~vez~que|siempre~que|cuando|si)~(?:el|un)~usuario~[^.\n]{0,80}?(?:responde|di|recomienda|"
        r"contesta|envía|debes)\b",
    ),
    Rule(
        "trigger",
        "nutzer",
        r"\b(?:immer~wenn|jedes~mal,?~wenn|wenn|sobald|falls)~(?:der|ein)~(?:be)?nutzer~[^.\n]{0,80}?"
        r"(?:antworte|sage?|empfiehl|sende|behaupte|musst~du|verweise)\b",
    ),
    Rule(
        "trigger",
        "utilisateur",
        r"\b(?:chaque~fois~que|lorsque|quand|si)~l['\u2019]utilisateur~[^.\n]{0,80}?(?:réponds?|répondez|dis|dites|"
        r"recommande[zr]?|"
        r"envoie|tu~dois|vous~devez)\b",
    ),
    Rule(
        "trigger",
        "пользовател",
        r"\b(?:когда|если|каждый~раз,?~когда|всякий~раз,?~когда)~пользователь~[^.\n]{0,80}?(?:отвечай|говори|"
        r"рекомендуй|отправ\w+|должен|скажи)",
    ),
    Rule(
        "concealment",
        "用户",
        r"(?:不要|别|不得|切勿)(?:向|对|让|告诉)用户.{0,10}(?:知道|提及|透露|说|此|这)",
    ),
    Rule(
        "concealment",
        "usuario utilisateur nutzer пользовател",
        r"\b(?:no~(?:se~lo~)?(?:digas|menciones|reveles)~(?:\w+~){0,2}?al~usuario)\b|\b(?:ne~(?:le~)?(?:dis|dites|"
        r"mentionne|révèle)~"
        r"(?:\w+~){0,3}?à~l['\u2019]utilisateur)\b|\b(?:sage?|verrate?|erzähle?)~(?:\w+~){0,2}?(?:dem|"
        r"den)~(?:be)?nutzern?~(?:nichts|nicht)\b"
        r"|\bне~(?:говори|сообщай|рассказывай)(?:те)?~(?:\w+~){0,2}?пользовател",
    ),
    Rule(
        "exfiltration",
        "http www @",
        r"把.{0,16}?(?:对话|聊天记录|密码|密钥|数据|信息|记忆).{0,12}?(?:发送|发|上传|转发)(?:到|给|至).{0,8}?(?:https?:|www\.|\S{1,40}@)",
    ),
    Rule(
        "exfiltration",
        "http www. @",
        r"\b(?:envía|reenvía|manda|sende|schicke?|leite|envoie|transmets|отправь|перешли)~(?:\w+~){0,6}?"
        r"(?:contraseñas?|conversación|datos|historial|passw[öo]rt\w*|gespräch\w*|daten|chatverlauf|mots?~de~passe|"
        r"conversation|données|"
        r"парол\w*|переписк\w*|данные|историю)\b[^.\n]{0,60}?(?:https?://|www\.|\S{1,60}@\S)",
    ),
)
