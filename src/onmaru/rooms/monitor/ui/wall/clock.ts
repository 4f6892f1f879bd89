/** The page's own clock, in ms, that goes on while the machine sleeps: the later of the monotonic and the wall's going.
 *
 * A browser's monotonic clock may stand still while the machine is suspended; the calendar does not. A calendar that is set
 * back is not believed, one set forward makes values look older until the next word of the server: never younger.
 */
export interface Time {
  monotonic: number;
  calendar: number;
}

export const time = (): Time => ({ monotonic: performance.now(), calendar: Date.now() });

/** Milliseconds that have passed between two readings; never below nothing. */
export const passed = (from: Time, to: Time): number => Math.max(0, to.monotonic - from.monotonic, to.calendar - from.calendar);

/** A server that nothing was heard of for so long is silent: shown and sounded well within ten seconds. */
export const SILENT_MS = 6_000;
/** A device that nothing was heard of for so long, or three of its intervals, is silent. */
export const DEVICE_MS = 7_000;
/** What the hospital's clock says now, µs: as it was last told, and what has passed here since. */
export interface Told {
  at: number;
  heard: Time;
}

export const hospital = (told: Told, now: Time): number => told.at + passed(told.heard, now) * 1000;
