/** The window of time on screen, as pure arithmetic in ms. A window never leaves the chart nor grows thinner than a second. */

export interface View {
  from: number;
  to: number;
}

export const FINEST = 1_000;

export const length = (view: View): number => view.to - view.from;

/** The nearest window that lies within `all` and is at least FINEST long. */
export function within(view: View, all: View): View {
  const wide = Math.min(Math.max(length(view), FINEST), length(all));
  const from = Math.min(Math.max(view.from, all.from), all.to - wide);
  return { from, to: from + wide };
}

/** Zoom by `factor` (below 1: closer) while the time at `anchor` (0 left … 1 right) stays where it is. */
export function zoom(view: View, factor: number, anchor: number, all: View): View {
  const still = view.from + length(view) * anchor;
  const wide = Math.min(Math.max(length(view) * factor, FINEST), length(all));
  return within({ from: still - wide * anchor, to: still + wide * (1 - anchor) }, all);
}

export const pan = (view: View, part: number, all: View): View =>
  within({ from: view.from + length(view) * part, to: view.to + length(view) * part }, all);

/** A window around [low, last] with a margin, so that what was clicked does not stick to the edges. */
export function around(low: number, last: number, all: View): View {
  const margin = Math.max((last - low) * 0.15, FINEST * 30);
  return within({ from: low - margin, to: last + margin }, all);
}

export const same = (one: View, other: View): boolean => one.from === other.from && one.to === other.to;

export const whole = (view: View, all: View): boolean => length(view) >= length(all) * 0.999;

/** Twice as much to either side as is shown, so that panning has something to show before the server has answered. */
export function beyond(view: View): View {
  const half = length(view) / 2;
  return { from: Math.floor(view.from - half), to: Math.ceil(view.to + half) };
}
