/** The wall's colours: the house's dark ground, whatever the page's own scheme is. Risk is a shape as well as a colour. */

export const GROUND = '#0b1113';
export const TILE = '#141b1f';
export const INK = '#f1f5f5';
export const QUIET = '#9fadb0';
export const LINE = '#2f3b41';
export const FOCUS = '#8fd6ca';

/** `bar`: at the tile's side; what is well stays in the background. */
export interface Look {
  ink: string;
  ground: string;
  bar: string;
}

const NONE: Look = { ink: '#8fd7a8', ground: TILE, bar: LINE };
const LOOKS: Readonly<Record<string, Look>> = {
  high: { ink: '#ff8a8a', ground: '#3d1719', bar: '#ff8a8a' },
  medium: { ink: '#ffc35c', ground: '#35270f', bar: '#ffc35c' },
  'low-medium': { ink: '#8fc1ff', ground: '#14263a', bar: '#8fc1ff' },
  low: NONE,
  none: NONE,
};
export const UNKNOWN: Look = { ink: QUIET, ground: TILE, bar: LINE };

export const lookOf = (level: string): Look => LOOKS[level] ?? UNKNOWN;
export const urgent = (urgency: string): Look => lookOf({ stat: 'high', urgent: 'medium', asap: 'low-medium' }[urgency] ?? 'low');

/** The colour of a measure's number and of its waveform. */
export const MEASURED: Readonly<Record<string, string>> = {
  'heart-rate': '#7fe39a',
  'oxygen-saturation': '#6fd7ee',
  'respiratory-rate': '#f2e38a',
  systolic: '#f4b8d8',
  temperature: '#d9dfe0',
};

const WAVES: readonly (readonly [RegExp, string])[] = [
  [/^ecg|^ekg/i, MEASURED['heart-rate'] as string],
  [/pleth|spo2/i, MEASURED['oxygen-saturation'] as string],
  [/resp|co2/i, MEASURED['respiratory-rate'] as string],
  [/art|abp|ibp|bp/i, MEASURED['systolic'] as string],
];

/** Where a waveform stands: the first two are drawn. */
export const waveRank = (code: string): number => {
  const found = WAVES.findIndex(([name]) => name.test(code));
  return found < 0 ? WAVES.length : found;
};
export const waveColour = (code: string): string => WAVES[waveRank(code)]?.[1] ?? INK;
