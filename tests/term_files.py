"""Small files in the form in which the owners of code systems deliver theirs; the content is made, not theirs."""

from __future__ import annotations

import zipfile
from pathlib import Path

LOINC = """LOINC_NUM,COMPONENT,PROPERTY,TIME_ASPCT,SYSTEM,SCALE_TYP,METHOD_TYP,CLASS,STATUS,SHORTNAME,LONG_COMMON_NAME
"100-8","Glucose","MCnc","Pt","Ser","Qn","","CHEM","ACTIVE","Gluc Ser","Made glucose, [""serum""]"
"101-6","Glucose","MCnc","Pt","Urine","Qn","","CHEM","DEPRECATED","Gluc Ur","Made glucose in urine"
"not a number","x","x","x","x","x","x","x","ACTIVE","x","x"
"""
PARTS = """"LoincNumber","LongCommonName","PartNumber","PartName","PartCodeSystem","PartTypeName","LinkTypeName","Property"
"100-8","x","LP9-1","Glucose","http://loinc.org","COMPONENT","Primary","http://loinc.org/property/COMPONENT"
"""
TREE = """PATH_TO_ROOT,SEQUENCE,IMMEDIATE_PARENT,CODE,CODE_TEXT
,1,,LP1-8,Chemistry
LP1-8,1,LP1-8,LP2-6,Glucose
LP1-8.LP2-6,1,LP2-6,100-8,Glucose serum
LP1-8.LP2-6,2,LP2-6,101-6,Glucose urine
"""
KOREAN = """"LOINC_NUM","COMPONENT","SHORTNAME","LONG_COMMON_NAME","LinguisticVariantDisplayName"
"100-8","포도당","","","혈청 포도당"
"""


def loinc(folder: Path) -> Path:
    """An unpacked release, Loinc_9.99."""
    made = folder / "Loinc_9.99"
    _write(made / "LoincTable" / "Loinc.csv", LOINC)
    _write(made / "AccessoryFiles" / "PartFile" / "LoincPartLink_Primary.csv", PARTS)
    _write(made / "AccessoryFiles" / "Tree" / "ComponentHierarchyBySystem.csv", TREE)
    _write(made / "AccessoryFiles" / "LinguisticVariants" / "koKR17LinguisticVariant.csv", KOREAN)
    return made


def snomed(folder: Path) -> Path:
    """A Snapshot of the international edition; the identifiers are made but for those of the model."""
    terms, sets = folder / "Snapshot" / "Terminology", folder / "Snapshot" / "Refset" / "Language"
    concept = ["id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId"]
    for id, active in (("138875005", 1), ("900001001", 1), ("900002009", 1), ("900003004", 0)):
        concept.append(f"{id}\t20260101\t{active}\t900000000000207008\t900000000000073002")
    concept.append("broken\t20260101\t1\t1\t1")
    concept.append("900009009\t20260101\t1")
    _write(terms / "sct2_Concept_Snapshot_INT_20260101.txt", "\r\n".join(concept) + "\r\n")
    described = ["id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId"]
    for id, concept_id, language, kind, term in (
        ("700001011", "138875005", "en", "900000000000003001", "SNOMED CT Concept (SNOMED RT+CTV3)"),
        ("700002015", "900001001", "en", "900000000000003001", "Made disorder (disorder)"),
        ("700003013", "900001001", "en", "900000000000013009", 'Made "quoted" disorder'),
        ("700004019", "900001001", "ko", "900000000000013009", "만든 질환"),
        ("700005018", "900002009", "en", "900000000000003001", "Made disorder of lung (disorder)"),
    ):
        described.append(f"{id}\t20260101\t1\tm\t{concept_id}\t{language}\t{kind}\t{term}\tc")
    _write(terms / "sct2_Description_Snapshot-en_INT_20260101.txt", "\n".join(described) + "\n")
    related = ["id\teffectiveTime\tactive\tmoduleId\tsourceId\tdestinationId\trelationshipGroup\ttypeId\tc\tm"]
    for active, source, target, kind in (
        (1, "900001001", "138875005", "116680003"),
        (1, "900002009", "900001001", "116680003"),
        (0, "900002009", "138875005", "116680003"),
        (1, "900002009", "900001001", "363698007"),
        (1, "900002009", "999999001", "116680003"),
    ):
        related.append(f"1\t20260101\t{active}\tm\t{source}\t{target}\t0\t{kind}\tc\tm")
    _write(terms / "sct2_Relationship_Snapshot_INT_20260101.txt", "\n".join(related) + "\n")
    liked = ["id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId\tacceptabilityId"]
    liked += [f"u\t20260101\t1\tm\t900000000000509007\t{id}\t900000000000548007" for id in ("700003013", "700004019")]
    _write(sets / "der2_cRefset_LanguageSnapshot-en_INT_20260101.txt", "\n".join(liked) + "\n")
    return folder


def rxnorm(folder: Path) -> Path:
    """RXNCONSO and RXNREL of RxNorm_full_11022026."""
    made = folder / "RxNorm_full_11022026" / "rrf"
    names = [
        ("1", "SY", "Made synonym", "N"),
        ("1", "IN", "madeine", "N"),
        ("2", "SCD", "madeine 10 MG Oral Tablet", "O"),
    ]
    lines = [
        f"{cui}|ENG||||||a|||| RXNORM|{tty}|{cui}|{text}||{gone}||".replace(" RX", "RX")
        for cui, tty, text, gone in names
    ]
    _write(
        made / "RXNCONSO.RRF", "\n".join([*lines, "3|ENG||||||a||||MTHSPL|SU|3|Another source||N||", "4|short"]) + "\n"
    )
    relations = ["1||CUI|RO|2||CUI|has_ingredient|||RXNORM||||N||", "1||CUI|RN|2||CUI|isa|||RXNORM||||N||"]
    _write(made / "RXNREL.RRF", "\n".join(relations) + "\n")
    return made


CLAML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE ClaML SYSTEM "ClaML.dtd">
<ClaML version="2.0.0"><Title name="ICD-10-XX" date="2026" version="2026">Made</Title>
<Class code="IV" kind="chapter"><SubClass code="E10-E14"/>
 <Rubric kind="preferred"><Label xml:lang="en">Made chapter</Label></Rubric></Class>
<Class code="E10-E14" kind="block"><SuperClass code="IV"/>
 <Rubric kind="preferred"><Label xml:lang="en">Made block</Label></Rubric></Class>
<Class code="E11" kind="category"><SuperClass code="E10-E14"/>
 <Rubric kind="preferred"><Label xml:lang="en">Made <i>category</i></Label></Rubric>
 <Rubric kind="inclusion"><Label xml:lang="en">Also this</Label></Rubric></Class>
<Class code="E12" kind="category"><SuperClass code="E10-E14"/></Class>
</ClaML>
"""


def claml(folder: Path) -> Path:
    """A classification in ClaML, one class of which has no name."""
    return _write(folder / "icd.xml", CLAML)


KCD = """상병기호,한글명,영문명
E10-E14,당뇨병,Diabetes
E11,2형 당뇨병,Type 2
E11.2,신장 합병증,
E11.20,똠방,
,이름만,
"""
EDI = """제품코드,제품명,업체명,상한금액
640000010,만든정_(1정),만든제약,53
640000010,만든정_(1정),만든제약,51
64 0,빈칸,x,1
"""


def kcd(folder: Path) -> Path:
    """KCD in CP949, with one row that has no code."""
    path = folder / "kcd.csv"
    path.write_bytes(KCD.replace("\n", "\r\n").encode("cp949"))
    return path


def edi(folder: Path) -> Path:
    """HIRA's list of drugs, one of them at two prices."""
    return _write(folder / "edi.csv", EDI)


def athena(folder: Path) -> Path:
    """Athena's files, parted by tabs, of two vocabularies."""
    head = "concept_id concept_name domain_id vocabulary_id concept_class_id standard_concept concept_code valid_start_date"
    rows = ["\t".join([*head.split(), "valid_end_date", "invalid_reason"])]
    for id, name, vocabulary, code, gone in (
        (1, "Made anatomy", "ATC", "A", ""),
        (2, "Made drug", "ATC", "A10", ""),
        (3, "Made other", "RxNorm", "77", ""),
        (4, "Made old", "ATC", "A11", "D"),
    ):
        rows.append(f"{id}\t{name}\tDrug\t{vocabulary}\tATC 1st\tC\t{code}\t19700101\t20991231\t{gone}")
    _write(folder / "CONCEPT.csv", "\n".join(rows) + "\n")
    above = "ancestor_concept_id\tdescendant_concept_id\tmin_levels_of_separation\tmax_levels_of_separation\n"
    _write(folder / "CONCEPT_ANCESTOR.csv", above + "1\t2\t1\t1\n1\t3\t1\t1\n1\t1\t0\t0\n")
    _write(
        folder / "CONCEPT_SYNONYM.csv",
        "concept_id\tconcept_synonym_name\tlanguage_concept_id\n2\t만든 약\t0\n3\tx\t0\n",
    )
    return folder


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", newline="")
    return path


_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def workbook(folder: Path, sheet: str = "", shared: str = "") -> Path:
    """A list of acts as a workbook: a title, then headings, shared and inline texts, a number, and a row without a code."""
    path = folder / "edi.xlsx"
    shared = shared or (
        f"<sst {_MAIN}><si><t>수가코드</t></si><si><r><t>한글</t></r><r><t>명</t></r><rPh><t>x</t></rPh></si>"
        "<si><t>만든 처치</t></si></sst>"
    )
    sheet = sheet or (
        f"<worksheet {_MAIN}><sheetData>"
        '<row r="1"><c r="A1" t="inlineStr"><is><t>만든 목록</t></is></c></row>'
        '<row r="3"><c r="A3" t="s"><v>0</v></c><c r="C3" t="s"><v>1</v></c><c r="D3" t="str"><v>단가</v></c></row>'
        '<row r="4"><c r="A4" t="inlineStr"><is><t>E6541</t></is></c><c r="C4" t="s"><v>2</v></c>'
        '<c r="D4"><v>120.50</v></c></row>'
        '<row r="5"><c r="A5"><v>6.4000001E8</v></c><c r="C5" t="s"><v>2</v></c></row>'
        '<row r="6"><c r="C6" t="s"><v>2</v></c></row></sheetData></worksheet>'
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/sharedStrings.xml", _HEAD + shared)
        book.writestr("xl/worksheets/sheet1.xml", _HEAD + sheet)
    return path
