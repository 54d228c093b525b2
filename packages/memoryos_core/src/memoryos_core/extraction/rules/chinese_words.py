"""Word lists of the Chinese rules, in simplified characters."""

RELATIONS = {
    "老婆": "wife",
    "妻子": "wife",
    "太太": "wife",
    "媳妇": "wife",
    "老公": "husband",
    "丈夫": "husband",
    "先生": "husband",
    "女朋友": "girlfriend",
    "男朋友": "boyfriend",
    "女友": "girlfriend",
    "男友": "boyfriend",
    "爱人": "spouse",
    "未婚妻": "fiancée",
    "未婚夫": "fiancé",
    "妈妈": "mother",
    "母亲": "mother",
    "爸爸": "father",
    "父亲": "father",
    "儿子": "son",
    "女儿": "daughter",
    "哥哥": "brother",
    "弟弟": "brother",
    "姐姐": "sister",
    "妹妹": "sister",
    "爷爷": "grandfather",
    "奶奶": "grandmother",
    "外公": "grandfather",
    "外婆": "grandmother",
    "表哥": "cousin",
    "表弟": "cousin",
    "表姐": "cousin",
    "表妹": "cousin",
    "最好的朋友": "best friend",
    "好朋友": "friend",
    "闺蜜": "best friend",
    "朋友": "friend",
    "同事": "colleague",
    "老板": "boss",
    "室友": "roommate",
    "邻居": "neighbor",
}
PETS = {
    "狗": "dog",
    "狗狗": "dog",
    "小狗": "dog",
    "金毛": "dog",
    "柯基": "dog",
    "猫": "cat",
    "猫咪": "cat",
    "小猫": "cat",
    "橘猫": "cat",
    "兔子": "rabbit",
    "仓鼠": "hamster",
    "鹦鹉": "parrot",
    "乌龟": "turtle",
}
JOBS = (
    "工程师|设计师|教师|老师|律师|医师|会计师|厨师|药剂师|理发师|摄影师|建筑师|分析师|咨询师|营养师|美容师|"
    "化妆师|魔术师|讲师|"
    "护士|医生|警察|消防员|程序员|服务员|售货员|公务员|飞行员|运动员|演员|研究员|快递员|外卖员|保洁员|"
    "管理员|会计|出纳|翻译|编辑|记者|"
    "作家|画家|音乐家|科学家|歌手|司机|农民|工人|军人|木匠|电工|教练|教授|经理|总监|主管|秘书|导游|编剧|"
    "导演|模特|店长|保安|保姆|"
    "大学生|研究生|博士生|高中生|中学生|学生|插画师|产品经理|项目经理|程序媛|码农|退休教师|自由职业者|创业者|个体户"
)
EMPLOYER_ENDS = (
    "公司|银行|医院|学校|大学|中学|小学|幼儿园|集团|研究院|研究所|事务所|"
    "工厂|电视台|报社|出版社|超市|餐厅|酒店|政府|机构|诊所|药店|书店"
)
EMPLOYERS = (
    "腾讯|阿里巴巴|阿里|百度|华为|小米|字节跳动|字节|京东|美团|网易|滴滴|拼多多|快手|比亚迪|中兴|联想|"
    "海尔|格力|谷歌|微软|苹果|"
    "亚马逊|台积电|鸿海|富士康|携程|顺丰|中国移动|中国电信|国家电网"
)
