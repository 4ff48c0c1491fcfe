"""200 sentences about things that people review, in ten languages, made of parts."""

from __future__ import annotations

PARTS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "en": (
        " ",
        (
            "The guitar",
            "This film",
            "The hotel room",
            "My new lamp",
        ),
        (
            "sounds warm.",
            "was far too long.",
            "is worth every cent.",
            "broke after a week.",
            "is fine",
        ),
    ),
    "zh": (
        "",
        (
            "这把吉他",
            "这部电影",
            "酒店的房间",
            "我的新台灯",
        ),
        (
            "让人很满意。",
            "实在太差了。",
            "物超所值！",
            "一周就坏了。",
            "还可以～",
        ),
    ),
    "ja": (
        "",
        (
            "このギターは",
            "この映画は",
            "ホテルの部屋は",
            "新しいランプは",
        ),
        (
            "とても良いです。",
            "長すぎました。",
            "値段以上の価値がある。",
            "一週間で壊れた。",
            "まあまあです",
        ),
    ),
    "ko": (
        " ",
        (
            "이 기타는",
            "이 영화는",
            "호텔 방은",
            "새 램프는",
        ),
        (
            "아주 좋아요.",
            "너무 길었어요.",
            "값어치를 합니다.",
            "일주일 만에 고장났어요.",
            "괜찮아요",
        ),
    ),
    "th": (
        "",
        (
            "กีตาร์ตัวนี้",
            "หนังเรื่องนี้",
            "ห้องพักโรงแรม",
            "โคมไฟใหม่",
        ),
        (
            "ดีมาก",
            "ยาวเกินไป",
            "คุ้มราคา",
            "พังภายในหนึ่งสัปดาห์",
            "พอใช้ได้",
        ),
    ),
    "de": (
        " ",
        (
            "Die Gitarre",
            "Dieser Film",
            "Das Hotelzimmer",
            "Meine neue Lampe",
        ),
        (
            "gefällt mir sehr.",
            "war viel zu teuer.",
            "ist jeden Cent wert.",
            "enttäuscht.",
            "geht so",
        ),
    ),
    "es": (
        " ",
        (
            "La guitarra",
            "Esta película",
            "La habitación",
            "Mi nueva lámpara",
        ),
        (
            "me encanta.",
            "fue demasiado cara.",
            "vale cada céntimo.",
            "es una decepción.",
            "está bien",
        ),
    ),
    "ru": (
        " ",
        (
            "Эта гитара",
            "Эта книга",
            "Новая лампа",
            "Наша комната",
        ),
        (
            "очень хорошая.",
            "слишком дорогая.",
            "стоит своих денег.",
            "нас разочаровала.",
            "так себе",
        ),
    ),
    "ar": (
        " ",
        (
            "هذا الجيتار",
            "هذا الفيلم",
            "هذا الفندق",
            "هذا المصباح",
        ),
        (
            "رائع جدا.",
            "طويل جدا.",
            "يستحق ثمنه.",
            "مخيب للآمال.",
            "لا بأس به",
        ),
    ),
    "hi": (
        " ",
        (
            "यह गिटार",
            "यह फ़िल्म",
            "होटल का कमरा",
            "नया लैंप",
        ),
        (
            "बहुत अच्छा है।",
            "बहुत महंगा है।",
            "पैसे वसूल है।",
            "एक हफ़्ते में खराब हो गया।",
            "ठीक है",
        ),
    ),
}
"""What stands between the parts, beginnings and ends, by language."""


def sentences() -> list[str]:
    """All of them, language by language."""
    return [
        between.join((begin, end))
        for between, begins, ends in PARTS.values()
        for begin in begins
        for end in ends
    ]
