/** Clinical values as text. A FHIR date has no zone and is never shifted; an instant is shown in the hospital's zone. */
import type { Language } from '../room';
import { useLanguage } from './words';

export const ZONE = 'Asia/Seoul';

const locale = { ko: 'ko-KR', en: 'en-GB' } as const;
const makers = new Map<string, Intl.DateTimeFormat>();

function maker(language: Language, zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language} ${zone} ${JSON.stringify(options)}`;
  let made = makers.get(key);
  if (!made) makers.set(key, (made = new Intl.DateTimeFormat(locale[language], { timeZone: zone, hourCycle: 'h23', ...options })));
  return made;
}

/** `1980`, `1980-05` and `1980-05-02` stay as precise as they are; an instant gives its day in `zone`. ISO order in both languages. */
export function formatDate(value: string | null | undefined, zone: string = ZONE): string {
  if (!value) return '';
  if (/^\d{4}(-\d{2}){0,2}$/.test(value)) return value;
  return dayAndTime(value, zone)?.day ?? value;
}

/** `2026-03-02 14:05`; `seconds` adds `:09`. A value without time of day gives its date only. */
export function formatDateTime(value: string | null | undefined, zone: string = ZONE, seconds = false): string {
  if (!value || !value.includes('T')) return formatDate(value, zone);
  const found = dayAndTime(value, zone);
  return found ? `${found.day} ${seconds ? found.time : found.time.slice(0, 5)}` : value;
}

export function formatTime(value: string | null | undefined, zone: string = ZONE): string {
  if (!value) return '';
  return dayAndTime(value, zone)?.time.slice(0, 5) ?? value;
}

function dayAndTime(value: string, zone: string): { day: string; time: string } | null {
  const at = new Date(value);
  if (Number.isNaN(at.getTime())) return null;
  const part: Record<string, string> = {};
  const options = {
    year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
  } as const;
  for (const { type, value: text } of maker('en', zone, options).formatToParts(at)) part[type] = text;
  return { day: `${part['year']}-${part['month']}-${part['day']}`, time: `${part['hour']}:${part['minute']}:${part['second']}` };
}

/** The day of the week and month in words: `3월 2일 (월)`, `Mon, 2 Mar`. */
export function formatDay(value: string, language: Language, zone: string = ZONE): string {
  const day = formatDate(value, zone);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) return day;
  return maker(language, 'UTC', { month: 'short', day: 'numeric', weekday: 'short' }).format(new Date(`${day}T00:00:00Z`));
}

/** Full years (만 나이); months below two years, days below one month. '' for a birth date that is absent, later or a mere year. */
export function ageAt(birthDate: string | null | undefined, on: Date, language: Language, zone: string = ZONE): string {
  const born = /^(\d{4})-(\d{2})(?:-(\d{2}))?$/.exec(birthDate ?? '');
  if (!born) return '';
  const [year, month, day] = formatDate(on.toISOString(), zone).split('-').map(Number) as [number, number, number];
  const bornDay = Number(born[3] ?? '1');
  const months = (year - Number(born[1])) * 12 + month - Number(born[2]) - (day < bornDay ? 1 : 0);
  if (months >= 24) return language === 'ko' ? `${Math.floor(months / 12)}세` : `${Math.floor(months / 12)} y`;
  if (months >= 1) return language === 'ko' ? `${months}개월` : `${months} mo`;
  const days = Math.round((Date.UTC(year, month - 1, day) - Date.parse(`${birthDate}${born[3] ? '' : '-01'}T00:00:00Z`)) / 86_400_000);
  if (days < 0) return '';
  return language === 'ko' ? `${days}일` : `${days} d`;
}

type Words = Record<Language, readonly [short: string, long: string]>;

const UNKNOWN: Words = { ko: ['미상', '성별 미상'], en: ['U', 'Sex unknown'] };
const sexes = new Map<string, Words>([
  ['male', { ko: ['남', '남성'], en: ['M', 'Male'] }],
  ['female', { ko: ['여', '여성'], en: ['F', 'Female'] }],
  ['other', { ko: ['기타', '기타'], en: ['O', 'Other'] }],
]);

/** FHIR administrative gender; `long` for reading aloud. An absent one reads as unknown. */
export function formatSex(gender: string | null | undefined, language: Language, long = false): string {
  return (sexes.get(gender ?? '') ?? UNKNOWN)[language][long ? 1 : 0];
}

const shown = new Map([
  ['mm[Hg]', 'mmHg'], ['Cel', '°C'], ['[degF]', '°F'], ['{beats}/min', '/min'], ['{breaths}/min', '/min'],
  ['10*3/uL', '×10³/µL'], ['10*6/uL', '×10⁶/µL'], ['10*9/L', '×10⁹/L'], ['10*12/L', '×10¹²/L'],
  ['ug', 'µg'], ['ug/dL', 'µg/dL'], ['ug/mL', 'µg/mL'], ['ug/L', 'µg/L'], ['uL', 'µL'], ['umol/L', 'µmol/L'],
  ['kg/m2', 'kg/m²'], ['{score}', ''], ['1', ''],
]);

/** A UCUM code as wards write it; an unknown code is shown as it is. */
export const formatUnit = (unit: string | null | undefined): string => (unit ? (shown.get(unit) ?? unit) : '');

/** `value` as the record's own token (`72.50`), never through a number. */
export function formatQuantity(value: string | number | null | undefined, unit?: string | null): string {
  if (value === null || value === undefined || value === '') return '';
  const text = formatUnit(unit);
  return text ? `${value}${text === '%' ? '' : ' '}${text}` : String(value);
}

export const formatNumber = (value: number, language: Language): string => value.toLocaleString(locale[language]);

/** The functions above, bound to the language in use. */
export function useFormat() {
  const language = useLanguage();
  return {
    date: (value?: string | null) => formatDate(value),
    dateTime: (value?: string | null, seconds = false) => formatDateTime(value, ZONE, seconds),
    time: (value?: string | null) => formatTime(value),
    day: (value: string) => formatDay(value, language),
    age: (birthDate?: string | null, on: Date = new Date()) => ageAt(birthDate, on, language),
    sex: (gender?: string | null, long = false) => formatSex(gender, language, long),
    quantity: formatQuantity,
    unit: formatUnit,
    number: (value: number) => formatNumber(value, language),
  };
}
