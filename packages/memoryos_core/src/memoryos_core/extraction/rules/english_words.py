"""Word lists of the English rules."""

from memoryos_core.extraction.rules.rule import one_of

JOBS = one_of(
    """
    accountant actor actress analyst anesthesiologist animator architect artist astronomer attorney author baker banker
    barber barista bartender biologist bookkeeper broker bricklayer butcher carpenter
    cashier chef chemist cleaner clerk coach
    columnist composer comedian conductor consultant contractor controller cook coordinator copywriter counselor
    counsellor curator dancer dentist designer detective developer dietitian director diplomat doctor driver
    economist editor electrician engineer entrepreneur estate_agent farmer filmmaker firefighter florist gardener
    geologist hairdresser handyman historian illustrator instructor interpreter investor jeweler journalist judge
    landscaper lawyer lecturer librarian lifeguard locksmith logistician machinist magician manager mathematician
    mechanic midwife musician nanny neurologist novelist nurse nutritionist officer optician optometrist painter
    paramedic paralegal pastor pharmacist philosopher photographer physicist physician physiotherapist pianist pilot
    plumber poet policeman policewoman postman potter priest producer professor programmer psychiatrist psychologist
    publisher realtor receptionist recruiter reporter researcher retailer sailor salesman saleswoman salesperson
    scientist sculptor secretary security_guard seamstress singer social_worker soldier sommelier statistician
    stylist superintendent surgeon surveyor tailor teacher technician therapist trader trainer translator tutor
    undertaker veterinarian vet violinist waiter waitress web_developer welder writer zookeeper youtuber streamer
    blogger student postdoc intern apprentice retiree homemaker stay-at-home_mom stay-at-home_dad
    """
)
NOT_A_JOB = one_of(
    """
    good bad great better terrible lousy slow fast big huge bit real true total natural born former ex aspiring wannabe
    future would-be potential visual quick poor strong decent pretty morning night kinesthetic lifelong fellow hopeless
    """
)
RELATIONS = one_of(
    """
    wife husband spouse partner girlfriend boyfriend fiance fiancé fiancee fiancée mother mom mum father dad sister
    brother son daughter aunt uncle grandmother grandma granny grandfather grandpa cousin niece nephew best_friend
    friend boss manager supervisor colleague coworker co-worker roommate flatmate neighbor neighbour mentor therapist
    mother-in-law father-in-law sister-in-law brother-in-law stepson stepdaughter stepmom stepdad
    """
)
PETS = one_of(
    "dog puppy pup cat kitten kitty rabbit bunny hamster parrot fish horse pony turtle tortoise snake lizard ferret",
    "guinea_pig budgie gecko",
)
KINDS = {
    "mom": "mother",
    "mum": "mother",
    "dad": "father",
    "granny": "grandmother",
    "grandma": "grandmother",
    "grandpa": "grandfather",
    "fiance": "fiancé",
    "fiancee": "fiancée",
    "neighbour": "neighbor",
    "co-worker": "colleague",
    "coworker": "colleague",
    "flatmate": "roommate",
    "puppy": "dog",
    "pup": "dog",
    "kitten": "cat",
    "kitty": "cat",
    "bunny": "rabbit",
}
LANGUAGE_NAMES = one_of(
    """
    English Spanish French German Italian Portuguese Dutch Swedish Norwegian Danish Finnish Polish Czech Slovak Russian
    Ukrainian Hungarian Romanian Bulgarian Greek Turkish Arabic Hebrew Persian Farsi Hindi Urdu Bengali Tamil Telugu
    Marathi Punjabi Gujarati Chinese Mandarin Cantonese Japanese Korean Vietnamese Thai Malay Indonesian Tagalog
    Swahili Amharic Yoruba Igbo Zulu Afrikaans Catalan Basque Welsh Irish Icelandic Latin Esperanto Croatian Serbian
    Slovenian Lithuanian Latvian Estonian Albanian Armenian Georgian Nepali
    """
)
PLAYED = one_of(
    """
    guitar piano violin viola cello bass drums drum flute clarinet saxophone sax trumpet trombone harp ukulele banjo
    accordion harmonica oboe organ keyboard mandolin tennis football soccer basketball baseball volleyball badminton
    hockey rugby cricket golf squash handball chess poker bridge go table_tennis ping_pong pickleball
    """
)
NOT_LIKED = one_of(
    """
    it that this these those the you your him her his hers them their its us our my how when what where who why if
    whether which all everything anything nothing everyone everybody someone something one both some every each any
    more most there here being_able having_you seeing_you hearing knowing talking_to_you chatting to and or but so
    a an as too myself yourself doing_that doing_this doing_it seeing knowing getting_to
    """
)
NOT_A_NAME = one_of(
    """
    I Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July August
    September October November December English French German Spanish Italian Chinese Japanese American British Indian
    Canadian Mexican Russian Australian Dutch Irish Scottish Polish Swedish Korean Brazilian Jewish Muslim Catholic
    Christmas Easter Halloween Thanksgiving God Lord OK Yes No And But So The A An My Your His Her In On At Just Also
    """
)
NOT_A_PLACE = one_of(
    "fear hope peace denial constant harmony sin squalor exile a an the my this that here there it one with and or"
)
FAVORITES = one_of(
    """
    color colour band song singer album book author writer movie film show series food dish fruit dessert drink cuisine
    animal sport team player city country season holiday game artist subject restaurant flower actor actress genre
    ice_cream snack number superhero composer poet painter musician
    """
)
EXTRA_FAVORITES = {"colour": "color", "film": "movie"}
