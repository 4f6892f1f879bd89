/** How the house stands as `/api/operating` tells it, and what of that needs somebody. */

export interface Point {
  at: string;
  position: number;
}

export interface Standing {
  version: string;
  python: string;
  since: string;
  engine: string;
  parts: Readonly<Record<string, string>>;
  head: number;
  waiting: number;
  followers: readonly { name: string; behind: number; runs: boolean }[];
  letters: number;
  jobs: Readonly<Record<string, number>>;
  subscriptions: Readonly<Record<string, number>>;
  /** Much of the record was rewritten of late. */
  alarm: boolean;
  /** Seconds since the heads were signed for the witness. */
  witness: number;
  folders: readonly { name: string; free: number }[];
  backup: { set: boolean; last: Point | null; proved: Point | null; wrong: string };
  /** null where this tenant has none. */
  packets: { set: boolean; minutes: number; at: string | null; wards: number } | null;
}

export interface Matter {
  /** A key of the strings, with what fills it. */
  key: string;
  values?: Readonly<Record<string, string | number>>;
  /** Where it is seen to. */
  path?: string;
  grave: boolean;
}

const HOUR = 3_600_000;
const OLD_BACKUP = 24 * HOUR;
const OLD_PROOF = 48 * HOUR;

const age = (at: string, now: number): number => now - new Date(at).getTime();

/** What needs somebody, the gravest first. */
export function matters(standing: Standing, now: number): Matter[] {
  const parts = Object.entries(standing.parts).filter(([, said]) => said !== 'ok');
  const found = [
    ...parts.map(([part, said]): Matter => ({ key: 'run.matter.part', values: { part, said }, grave: true })),
    ...ofBackup(standing, now),
    ...ofPackets(standing, now),
    ...(standing.alarm ? [{ key: 'run.matter.rewriting', path: '/doors', grave: true }] : []),
    ...counted('run.matter.subscriptions', standing.subscriptions['error'] ?? 0, '/subscriptions'),
    ...counted('run.matter.letters', standing.letters, '/doors'),
  ];
  return found.sort((one, other) => Number(other.grave) - Number(one.grave));
}

const counted = (key: string, n: number, path: string): Matter[] => (n > 0 ? [{ key, values: { n }, path, grave: false }] : []);

function ofBackup({ backup, engine }: Standing, now: number): Matter[] {
  if (backup.wrong) return [{ key: 'run.matter.backup.wrong', values: { wrong: backup.wrong }, grave: true }];
  // Of workers on one database one backs up, and notes it in its own home
  if (!backup.last && engine !== 'home') return [{ key: 'run.matter.backup.elsewhere', grave: false }];
  if (!backup.last) return [{ key: backup.set ? 'run.matter.backup.none' : 'run.matter.backup.unset', grave: true }];
  if (age(backup.last.at, now) > OLD_BACKUP) return [{ key: 'run.matter.backup.old', grave: true }];
  if (!backup.proved || age(backup.proved.at, now) > OLD_PROOF) return [{ key: 'run.matter.backup.unproved', grave: false }];
  return [];
}

function ofPackets({ packets }: Standing, now: number): Matter[] {
  if (!packets) return [];
  if (!packets.set) return [{ key: 'run.matter.packets.unset', grave: false }];
  const late = !packets.at || age(packets.at, now) > packets.minutes * 2 * 60_000;
  return late ? [{ key: 'run.matter.packets.late', grave: true }] : [];
}
