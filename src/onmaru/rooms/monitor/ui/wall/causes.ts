/** What a wall has to sound for besides alerts: a server, a way in or a device that is silent. Pure. */
import type { Source } from './frames';

export function causesOf(silent: boolean, feeds: readonly Source[], still: readonly string[]): string[] {
  if (silent) return ['server'];
  return [...feeds.filter((one) => one.state !== 'live').map((one) => `feed ${one.name}`), ...still.map((one) => `bed ${one}`)];
}

/** Of what was put to rest, what still lasts: what ends and comes again is heard again. */
export const lasting = (rested: ReadonlySet<string>, causes: readonly string[]): ReadonlySet<string> =>
  new Set(causes.filter((one) => rested.has(one)));
