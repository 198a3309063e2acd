"""The texts on which the small tokenizers are trained, and the hard cases on which they are compared."""

import random
import unicodedata

PARAGRAPHS = [
    "The lorikeet is a bird that carries every colour at once. It doesn't ask which one you'd like; "
    "it's all of them, and they've never quarrelled. We'll see whether you're as patient as I'm.",
    "A frozen model is loaded once and shared by many small adapters. Each adapter changes the answers "
    "for one customer, and swapping them takes less than a millisecond on an ordinary server.",
    "In 2024 the shop sold 1,250 books, 37 maps and 4 globes for $12,345.67; in 1999 it was 10% of that.",
    "Die Bücher über Vögel stehen im zweiten Regal, die größeren daneben. Straße, Fuß, Übermut, Äpfel.",
    "L'été dernier, nous avons goûté des crêpes à la crème; c'était délicieux, n'est-ce pas ?",
    "El niño pequeño comió piñas y jalapeños. ¿Dónde está la estación? ¡Qué sorpresa!",
    "Птица сидела на ветке и пела весь день. Сколько стоит этот билет? Спасибо, до свидания!",
    "Η γάτα κοιμάται στον ήλιο και ο σκύλος τρέχει στον κήπο.",
    "鳥が木の上で歌っています。今日はとてもいい天気ですね。東京から京都まで新幹線で行きます。",
    "小鸟在树上唱歌，今天天气很好。我们明天去北京大学图书馆看书，然后去吃饭。你好，世界！",
    "새가 나무 위에서 노래합니다. 오늘은 날씨가 아주 좋습니다. 안녕하세요, 반갑습니다.",
    "الطائر يغني على الشجرة. مرحبا بالعالم، كيف حالك اليوم؟ ١٢٣٤٥",
    "הציפור שרה על העץ. שלום עולם, מה שלומך היום?",
    "चिड़िया पेड़ पर गा रही है। नमस्ते दुनिया, आप कैसे हैं? १२३४५",
    "นกร้องเพลงอยู่บนต้นไม้ สวัสดีชาวโลก วันนี้อากาศดีมาก",
    "Con chim hót trên cành cây. Xin chào thế giới, hôm nay trời đẹp quá!",
    "def encode(text, merges):\n    for i in range(len(text)):\n        if text[i] == ' ':\n"
    "            return merges[i]\n    return None\n",
    "int main(void) {\n\tprintf(\"hello, %s\\n\", name);\n\treturn 0;  // done\n}\n",
    "{\"role\": \"user\", \"content\": \"hi\"}\n{\"role\": \"assistant\", \"content\": \"hello\"}\n",
    "for (let i = 0; i < items.length; i++) { total += items[i].price * 1.19; }",
    "SELECT name, count(*) FROM adapters WHERE version >= 3 GROUP BY name ORDER BY 2 DESC;",
    "<div class=\"note\">See <a href=\"/docs/index.html\">the docs</a> &amp; enjoy.</div>",
    "😀 😃 🎉 👍 👍🏽 ❤️ 👨‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 🇯🇵",
    "HTTPServer parseJSON camelCaseName SCREAMING_SNAKE snake_case kebab-case McDonald iPhone",
]

CORPUS = PARAGRAPHS * 3 + [" ".join(PARAGRAPHS[:3]).upper(), "    " * 40, "\n\n".join(PARAGRAPHS[:6])]


def cases(specials):
    """Texts that break tokenizers; `specials` are spelt out inside of some."""
    texts = [
        "", " ", "  ", "   ", "\n", "\n\n", "\r\n", "\r\n\r\n", "\t", " \n", "\n ", "  \n  ", "a", " a",
        "a ", "  a", "a  b", "a   b  ", "\ta", "a\t\tb", "a\n\n\nb", "a \n b", "a\r\nb\r\n\r\nc", "a\r\rb",
        "a \r\n \r\n  b", "x\u00a0y", "\u00a0\u00a0x", "x\u2003 y", "\u3000你好\u3000", "\u2028a\u2029b\u0085c",
        "\x0ba\x0cb", "a\x1cb\x1dc\x1ed\x1fe",
        "Hello world", "Hello, world! How are you?", "hello world's best   text\n\n  indented",
        "I'm you're he's we've they'll I'd can't DON'T IT'S WE'LL I'VE YOU'RE I'M HE'D",
        "'s 't 're 've 'm 'll 'd 'S 'T 'RE 'Ve 'lL 'x 'sfoo 'reel 'll'll ''s '''s x'ſ x'ſs 'ſ",
        "\u2019s don\u2019t", "In 2024", "1 12 123 1234 12345 1234567890", "3.14159 1,000,000 1e-10 0x1F 5th 2x",
        "١٢٣ १२३ ௧௨௩ Ⅷ ½ ² ①②③ 〇一二三 𝟘𝟙𝟚 ㊿", "a1b2c3 12ab34", " 1 2 3", "  12", "１２３",
        "!!! ??? ... --- *** /// \\\\ <<>> (()) [[]] {{}} @@ ## $$ %% ^^ && || ~~ ``",
        " !a !!a ! a", "foo/bar//baz/\n/x", "...\n\n...\r\n", "a.\n\n b!\r\n\r\n  c", "https://example.org/a?b=c&d=e#f",
        "_under_score_ __init__ $var @name #tag", "«guillemets» “quotes” ‘single’ „low“ —dash– … ·",
        "é e\u0301 É E\u0301 ñ n\u0303 Å \u212b A\u030a ö o\u0308 ﬁ ﬀ ǆ ǅ Ǆ ß ẞ İ ı ŉ ſ",
        "a\u0300\u0301\u0302\u0303\u0304\u0305 z\u0336a\u0336l\u0336g\u0336o", "\u0301\u0301 \u0301a", "ｆｕｌｌ　ｗｉｄｔｈ",
        "q\u0307\u0323 q\u0323\u0307 \u1e9b\u0323 d\u0323\u0307", "\u1112\u1161\u11ab \u1100\u1161 \uac00\u11a8 \u1100\uac00",
        "\u0958\u0915\u093c \u09c7\u09be \u0b47\u0b3e \u0dd9\u0dcf\u0dca \u2126 \u212a \u037e \u0344 \uf900 \ufb1d \U0002f800",
        "\U000105d2\u0307 \U00011935\U00011930 a\u1ac1\u0327 a\u0898\u0327", "नमस्ते दुनिया किताब क्षत्रिय",
        "สวัสดีชาวโลก", "ကမ္ဘာ", "ខ្មែរ", "தமிழ்", "বাংলা", "ਪੰਜਾਬੀ", "ქართული", "Հայերեն", "አማርኛ", "ᏣᎳᎩ", "ᠮᠣᠩᠭᠣᠯ",
        "مرحبا بالعالم", "السَّلَامُ عَلَيْكُمْ", "שָׁלוֹם", "\u200fعربي\u200e mixed \u202btext\u202c", "اردو ۱۲۳",
        "你好世界", "你好，世界！今天天气很好。", "東京タワー", "ｶﾀｶﾅ ひらがな カタカナ", "안녕하세요 세계", "𠜎𠜱𠝹𠱓", "〆々ヶ",
        "😀", "😀😃😄", "👍🏽👩🏿‍🚀", "👨‍👩‍👧‍👦 family", "🏳️‍🌈🏴‍☠️", "🇩🇪🇯🇵🇧🇷", "❤️❤", "1️⃣2️⃣", "🫠🪿🫨", "a😀b c 😀 d",
        "\U0001F600" * 20, "𝕳𝖊𝖑𝖑𝖔 𝓦𝓸𝓻𝓵𝓭 𐐷𐑀𐐀", "𓀀𓁀 𒀀𒀁 𐎠𐎡 🀄 𝄞", "\U000e0041\U000e0042", "\U0010ffff\U000f0000\U0001fffe",
        "\x00", "a\x00b", "\x01\x02\x03\x7f\x80\x81\x9f", "\ufeffBOM", "\u200b\u200c\u200d\u2060", "\ufffd\ufffe\uffff", "\ue000\uf8ff",
        "\u0378\u0379 \U0001e900x \U00016ea0\U00016ebb \U000323b0 \u088f\u0c5c", "\ud7ff\ue000", "\u00ad soft\u00adhyphen",
        "def f(x):\n    return x + 1\n\n\nclass A:\n\tpass\n", "if (a && b || !c) { return a[0]->b::c<d>(e); }",
        "\tint  x =  5;   /* c */\n\t\treturn\tx;\n", "{\"a\": [1, 2.5, null, true], \"b\": {\"c\": \"d\\n\"}}",
        "SELECT * FROM t WHERE a='b' -- c\n", "<html>\n  <body class='x'>&nbsp;</body>\n</html>", "$x^2 + \\frac{1}{2}$",
        "HTTPServer parseJSON XMLHttpRequest camelCase iPhone McDonald ABC Abc aBC ABCdef ÀÉéà Ǆx ʰa ʰA AʰB 中A中b",
        "日本語ABCdef ГДЕгде ΑΒγδ", "a\u0301B\u0301c A\u0301b \u0301B", "x/y/z\n//\n", "word's WORD'S wOrD'lL don'tX 中's",
        "▁", "▁▁", "a▁b", " ▁ ▁", "▁a▁▁b", "Ġ Ċ ĉ Ģ", "<0x0A>", "<0x41><0xE4><0xBD><0xA0>", "<unk>", "<s>", "</s>", "<pad>",
        "a" * 50, "ab" * 60, "aaaaaaaaab" * 12, " " * 50, " " * 49 + "x", "\n" * 33, "\t" * 30, " \n" * 25, "." * 40, "1" * 45, "é" * 40, "你" * 41,
        "-" * 80, "=" * 63 + "\n", "word " * 30, "Supercalifragilisticexpialidocious pneumonoultramicroscopicsilicovolcanoconiosis",
        "the lorikeet is a bird", "The Lorikeet Is A Bird", "THE LORIKEET IS A BIRD", "adapter adapters Adapter", "lorikeetlorikeetlorikeet",
    ]
    for special in specials:
        texts += [
            special, "a" + special, special + "a", " " + special, special + " ", "  " + special + "  b",
            special + special, special + " " + special, "x" + special + "y" + special + "z", special[:-1], special[1:],
            special[:2] + special, special + "\n\n" + special, "don't" + special + "'s", special.upper(), "é" + special + "你",
            "\u3000" + special + "\n\u00a0 b", "_" + special + "1", special + "\u0301",
        ]
    texts += PARAGRAPHS
    texts += random_texts()
    return texts


def random_texts():
    """Seeded mixtures: characters of every kind side by side."""
    rng = random.Random(20240611)
    pools = [
        "abcXYZ", "0189", " \n\r\t", "'", ".,!?/-_", "éÉßñ", "你好世界", "аБв", "\u0300\u0301\u0327\u0334", "अआक\u093f\u094d",
        "ابت", "한국\u1100\u1161\u11a8", "😀👍\u200d\ufe0f\U0001f3fd", "²½Ⅷ", "\u00a0\u2003\u3000\u0085", "ǅʰª", "\x00\x1f\x7f", "▁Ġ",
    ]
    texts = []
    for length in [3, 5, 8, 13, 21, 34] * 6:
        texts.append("".join(rng.choice(rng.choice(pools)) for _ in range(length)))
    for _ in range(12):  # any code point of any plane
        points = []
        while len(points) < 16:
            point = rng.randrange(0x110000 if len(points) % 2 else 0x3000)
            if not 0xD800 <= point < 0xE000:
                points.append(chr(point))
        texts.append("".join(points))
    return texts


def sweep():
    """Every code point there is, in order."""
    return "".join(chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000)


def neighbours():
    """Code points of the planes in use, each beside a letter, a space, a digit, a mark and an apostrophe."""
    points = [c for c in range(0x20000) if not 0xD800 <= c < 0xE000]
    points += list(range(0x20000, 0x110000, 257))
    return "".join(f"x{chr(c)} {chr(c)}1{chr(c)}\u0301'{chr(c)}A" for c in points)


def long_texts():
    """A million characters each; one single word or run in most."""
    million = 1_000_000
    cjk = "".join(chr(0x4E00 + (i * 7919) % 20000) for i in range(million))
    return {
        "a": "a" * million,
        "ab": "ab" * (million // 2),
        "letters": "".join(chr(97 + (i * i + i // 3) % 26) for i in range(million)),
        "cjk": cjk,
        "spaces": " " * million,
        "newlines": "\n" * million,
        "digits": "1234567890" * (million // 10),
        "punctuation": "!?" * (million // 2),
        "marks": "a" + "\u0301\u0327" * 5000,
    }
