"""Character sets of MSH-18 (HL7 table 0211): bytes to text, never a failure; a doubt is noted."""

from __future__ import annotations

# HL7 table 0211 and the names Korean senders use in its place
CODECS = {
    "ASCII": "ascii",
    "8859/1": "iso8859-1",
    "8859/2": "iso8859-2",
    "8859/3": "iso8859-3",
    "8859/4": "iso8859-4",
    "8859/5": "iso8859-5",
    "8859/6": "iso8859-6",
    "8859/7": "iso8859-7",
    "8859/8": "iso8859-8",
    "8859/9": "iso8859-9",
    "8859/15": "iso8859-15",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "UNICODE": "utf-8",
    "KS X 1001": "cp949",
    "KSC5601": "cp949",
    "KS C 5601": "cp949",
    "ISO IR149": "cp949",
    "EUC-KR": "cp949",
    "EUCKR": "cp949",
    "CP949": "cp949",
    "MS949": "cp949",
    "ISO IR14": "shift_jis",
    "ISO IR87": "iso2022_jp",
    "GB 18030-2000": "gb18030",
    "BIG-5": "big5",
}
_HANGUL = range(0xAC00, 0xD7A4)


def codec_of(declared: str) -> str:
    """Give Python's codec for a value of MSH-18, "" when it is absent or unknown. CP949 is a superset of EUC-KR."""
    return CODECS.get(" ".join(declared.upper().split()), "")


def decode(data: bytes, declared: str) -> tuple[str, str, str]:
    """Give (text, codec used, note). The note is "" when the declared set fitted, or when the message is plain ASCII."""
    if data.isascii():
        return data.decode("ascii"), "ascii", ""
    codec = codec_of(declared)
    if codec:
        try:
            return data.decode(codec), codec, ""
        except UnicodeDecodeError:
            note = f"MSH-18 does not fit the bytes; read as {{}} instead of {codec}"
    else:
        note = "MSH-18 names no known character set; read as {}" if declared else "MSH-18 is absent; read as {}"
    text, found = guess(data)
    return text, found, note.format(found)


def guess(data: bytes) -> tuple[str, str]:
    """Give text and codec by trial: UTF-8, then CP949 when that yields Hangul, then Latin-1, which fits everything."""
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode("cp949")
        if any(ord(char) in _HANGUL for char in text):
            return text, "cp949"
    except UnicodeDecodeError:
        pass
    return data.decode("iso8859-1"), "iso8859-1"
