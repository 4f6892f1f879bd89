/** The shape of an urgency, so that no risk is told by colour alone; in a square of 24. */
export const POINTS: Readonly<Record<string, string>> = {
  stat: '7,1 17,1 23,7 23,17 17,23 7,23 1,17 1,7',
  urgent: '12,1 23,22 1,22',
  asap: '12,1 23,12 12,23 1,12',
};
/** The urgency whose shape a level of risk has. */
export const OF_LEVEL: Readonly<Record<string, string>> = { high: 'stat', medium: 'urgent', 'low-medium': 'asap', low: 'routine', none: 'routine', '': 'unknown' };
