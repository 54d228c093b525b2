"""Traditional Chinese characters that the rules look for, as the simplified ones: one to one, so that offsets stay."""

_TRADITIONAL = (
    "歡對過養貓愛嗎說話語學業兒媽爺這個們從離職來會彈結開輛車買賣讓討厭現華師級經網樂覺應該當還沒無於願"
    "夢錯樣場發問題幫給寫譯義請後隊顏電國員聯實記媳婦叫專鋼鳥龜護蘇錄"
)
_SIMPLIFIED = (
    "欢对过养猫爱吗说话语学业儿妈爷这个们从离职来会弹结开辆车买卖让讨厌现华师级经网乐觉应该当还没无于愿"
    "梦错样场发问题帮给写译义请后队颜电国员联实记媳妇叫专钢鸟龟护苏录"
)
SIMPLIFY = dict(zip(map(ord, _TRADITIONAL), map(ord, _SIMPLIFIED), strict=True))
