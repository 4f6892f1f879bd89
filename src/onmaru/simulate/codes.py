"""Tests, drugs and diagnoses that the courses of illness use: illustrative simulation parameters, no clinical rule.

LOINC codes and names are those of the OMOP vocabulary's CONCEPT table; ATC is WHO's. Diagnoses use the four characters
that KCD shares with ICD-10. Limits of haemoglobin, leukocytes and platelets are those of KR Core's laboratory example,
those of glucose, lipids, AST, ALT and creatinine come from the national check-up (건강검진 실시기준); all others are
invented so that results are flagged. Codes that start with S are this simulator's own.
"""

from __future__ import annotations

import msgspec


class Analyte(msgspec.Struct, frozen=True):
    """One test. `unit` is UCUM; `low`, `high` its simulated limits (None: open); `digits` after the point."""

    code: str
    ko: str
    loinc: str
    en: str
    unit: str
    low: float | None
    high: float | None
    digits: int = 0


class Panel(msgspec.Struct, frozen=True):
    """What is ordered at once. `section` of HL7 table 0074, `specimen` of table 0487."""

    code: str
    ko: str
    en: str
    section: str
    specimen: str
    analytes: tuple[Analyte, ...]


class Drug(msgspec.Struct, frozen=True):
    """One order line: `amount` `unit` every `hours` hours by `route` (HL7 table 0162). `edi` is a fake claim code."""

    edi: str
    ko: str
    atc: str
    en: str
    amount: str
    unit: str
    route: str
    hours: int


class Diagnosis(msgspec.Struct, frozen=True):
    code: str
    ko: str
    en: str


HBA1C = Analyte("SL01", "당화혈색소", "4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", "%", 4.0, 6.5, 1)
GLUCOSE = Analyte("SL02", "혈당", "2345-7", "Glucose [Mass/volume] in Serum or Plasma", "mg/dL", 70, 99)
CREATININE = Analyte(
    "SL03", "크레아티닌", "2160-0", "Creatinine [Mass/volume] in Serum or Plasma", "mg/dL", 0.5, 1.5, 2
)
CHOLESTEROL = Analyte(
    "SL04", "총콜레스테롤", "2093-3", "Cholesterol [Mass/volume] in Serum or Plasma", "mg/dL", None, 199
)
TRIGLYCERIDE = Analyte(
    "SL05", "중성지방", "2571-8", "Triglyceride [Mass/volume] in Serum or Plasma", "mg/dL", None, 149
)
HDL = Analyte(
    "SL06", "HDL 콜레스테롤", "2085-9", "Cholesterol in HDL [Mass/volume] in Serum or Plasma", "mg/dL", 40, None
)
AST = Analyte(
    "SL07",
    "AST",
    "1920-8",
    "Aspartate aminotransferase [Enzymatic activity/volume] in Serum or Plasma",
    "U/L",
    None,
    40,
)
ALT = Analyte(
    "SL08", "ALT", "1742-6", "Alanine aminotransferase [Enzymatic activity/volume] in Serum or Plasma", "U/L", None, 35
)
WBC = Analyte(
    "SL09", "백혈구수", "6690-2", "Leukocytes [#/volume] in Blood by Automated count", "10*3/uL", 4.0, 10.0, 1
)
HB = Analyte("SL10", "혈색소", "718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL", 13.0, 16.5, 1)
PLATELETS = Analyte(
    "SL11", "혈소판수", "777-3", "Platelets [#/volume] in Blood by Automated count", "10*3/uL", 150, 370
)
CRP = Analyte(
    "SL12", "C반응단백", "1988-5", "C reactive protein [Mass/volume] in Serum or Plasma", "mg/L", None, 5.0, 1
)
PCT = Analyte(
    "SL13", "프로칼시토닌", "33959-8", "Procalcitonin [Mass/volume] in Serum or Plasma", "ng/mL", None, 0.5, 2
)
SODIUM = Analyte("SL14", "나트륨", "2951-2", "Sodium [Moles/volume] in Serum or Plasma", "mmol/L", 135, 145)
POTASSIUM = Analyte("SL15", "칼륨", "2823-3", "Potassium [Moles/volume] in Serum or Plasma", "mmol/L", 3.5, 5.1, 1)
BUN = Analyte("SL16", "혈액요소질소", "3094-0", "Urea nitrogen [Mass/volume] in Serum or Plasma", "mg/dL", 8, 20)
TROPONIN = Analyte(
    "SL17",
    "고감도 트로포닌 I",
    "89579-7",
    "Troponin I.cardiac [Mass/volume] in Serum or Plasma by High sensitivity method",
    "ng/L",
    None,
    26,
)
NEUTROPHILS = Analyte(
    "SL18", "호중구수", "751-8", "Neutrophils [#/volume] in Blood by Automated count", "10*3/uL", 2.0, 7.5, 1
)
INR = Analyte("SL19", "INR", "6301-6", "INR in Platelet poor plasma by Coagulation assay", "{INR}", 0.9, 1.2, 2)
PAO2 = Analyte("SL20", "동맥혈 산소분압", "2703-7", "Oxygen [Partial pressure] in Arterial blood", "mm[Hg]", 80, 100)

CBC = Panel("SP01", "일반혈액검사", "Complete blood count", "HM", "BLD", (WBC, HB, PLATELETS))
CBC_DIFF = Panel(
    "SP02", "일반혈액검사(감별계산)", "CBC with differential", "HM", "BLD", (WBC, HB, PLATELETS, NEUTROPHILS)
)
CHEMISTRY = Panel(
    "SP03", "일반화학검사", "Chemistry panel", "CH", "SER", (GLUCOSE, BUN, CREATININE, SODIUM, POTASSIUM, AST, ALT)
)
DIABETES = Panel("SP04", "당뇨 추적검사", "Diabetes follow-up panel", "CH", "BLD", (HBA1C, GLUCOSE, CREATININE))
LIPIDS = Panel("SP05", "지질검사", "Lipid panel", "CH", "SER", (CHOLESTEROL, TRIGLYCERIDE, HDL))
INFLAMMATION = Panel("SP06", "염증검사", "Inflammation markers", "CH", "SER", (CRP, PCT))
CARDIAC = Panel("SP07", "심근효소검사", "Cardiac marker", "CH", "SER", (TROPONIN,))
COAGULATION = Panel("SP08", "혈액응고검사", "Coagulation", "HM", "PLAS", (INR,))
BLOOD_GAS = Panel("SP09", "동맥혈가스검사", "Arterial blood gas", "CH", "BLD", (PAO2,))

HEART_RATE = Analyte("SV01", "맥박수", "8867-4", "Heart rate", "/min", 50, 100)
BREATHS = Analyte("SV02", "호흡수", "9279-1", "Respiratory rate", "/min", 12, 20)
SPO2 = Analyte("SV03", "산소포화도", "2708-6", "Oxygen saturation in Arterial blood", "%", 95, 100)
TEMPERATURE = Analyte("SV04", "체온", "8310-5", "Body temperature", "Cel", 36.0, 37.5, 1)
SYSTOLIC = Analyte("SV05", "수축기혈압", "8480-6", "Systolic blood pressure", "mm[Hg]", 90, 140)
DIASTOLIC = Analyte("SV06", "이완기혈압", "8462-4", "Diastolic blood pressure", "mm[Hg]", 60, 90)
HEIGHT = Analyte("SV07", "신장", "8302-2", "Body height", "cm", None, None, 1)
WEIGHT = Analyte("SV08", "체중", "29463-7", "Body weight", "kg", None, None, 1)
VITALS = Panel("SP20", "활력징후", "Vital signs", "", "", (HEART_RATE, BREATHS, SPO2, TEMPERATURE, SYSTOLIC, DIASTOLIC))
BODY = Panel("SP21", "신체계측", "Body measurement", "", "", (HEIGHT, WEIGHT))

METFORMIN = Drug("SIM100001", "모의메트포르민정 500mg", "A10BA02", "metformin", "1", "{tbl}", "PO", 12)
ATORVASTATIN = Drug("SIM100002", "모의아토르바스타틴정 20mg", "C10AA05", "atorvastatin", "1", "{tbl}", "PO", 24)
AMLODIPINE = Drug("SIM100003", "모의암로디핀정 5mg", "C08CA01", "amlodipine", "1", "{tbl}", "PO", 24)
ASPIRIN = Drug("SIM100004", "모의아스피린정 100mg", "B01AC06", "acetylsalicylic acid", "1", "{tbl}", "PO", 24)
CEFTRIAXONE = Drug("SIM200001", "모의세프트리악손주 2g", "J01DD04", "ceftriaxone", "2", "g", "IV", 24)
AZITHROMYCIN = Drug("SIM200002", "모의아지트로마이신주 500mg", "J01FA10", "azithromycin", "500", "mg", "IV", 24)
PIPERACILLIN = Drug(
    "SIM200003",
    "모의피페라실린타조박탐주 4.5g",
    "J01CR05",
    "piperacillin and beta-lactamase inhibitor",
    "4.5",
    "g",
    "IV",
    8,
)
PARACETAMOL = Drug("SIM200004", "모의아세트아미노펜주 1g", "N02BE01", "paracetamol", "1", "g", "IV", 8)
NOREPINEPHRINE = Drug("SIM200005", "모의노르에피네프린주", "C01CA03", "norepinephrine", "4", "mg", "IV", 24)
CEFAZOLIN = Drug("SIM200006", "모의세파졸린주 1g", "J01DB04", "cefazolin", "1", "g", "IV", 8)
TRAMADOL = Drug("SIM200007", "모의트라마돌주 50mg", "N02AX02", "tramadol", "50", "mg", "IV", 8)
ENOXAPARIN = Drug("SIM200008", "모의에녹사파린주 40mg", "B01AB05", "enoxaparin", "40", "mg", "SC", 24)
DOXORUBICIN = Drug("SIM300001", "모의독소루비신주", "L01DB01", "doxorubicin", "90", "mg", "IV", 24)
CYCLOPHOSPHAMIDE = Drug("SIM300002", "모의시클로포스파미드주", "L01AA01", "cyclophosphamide", "900", "mg", "IV", 24)
ONDANSETRON = Drug("SIM300003", "모의온단세트론주 8mg", "A04AA01", "ondansetron", "8", "mg", "IV", 12)

DIABETES_2 = Diagnosis("E11.9", "2형 당뇨병, 합병증을 동반하지 않음", "Type 2 diabetes mellitus without complications")
HYPERTENSION = Diagnosis("I10", "본태성(원발성) 고혈압", "Essential (primary) hypertension")
PNEUMONIA = Diagnosis("J18.9", "상세불명의 폐렴", "Pneumonia, unspecified")
RESPIRATORY_FAILURE = Diagnosis("J96.0", "급성 호흡부전", "Acute respiratory failure")
BREAST_CANCER = Diagnosis("C50.9", "상세불명의 유방의 악성 신생물", "Malignant neoplasm of breast, unspecified")
HIP_FRACTURE = Diagnosis("S72.0", "대퇴골 경부의 골절", "Fracture of neck of femur")
CHECK_UP = Diagnosis("Z00.0", "일반적 의학검사", "General medical examination")
CHEST_PAIN = Diagnosis("R07.4", "상세불명의 흉통", "Chest pain, unspecified")
INFARCTION = Diagnosis("I21.9", "상세불명의 급성 심근경색증", "Acute myocardial infarction, unspecified")
