/** How tiles lie on the wall: as many columns as make them wide enough for two traces beside their numbers. */

export interface Grid {
  columns: number;
  rows: number;
  /** CSS pixels. */
  wide: number;
  tall: number;
}

/** A tile is about twice as wide as tall; of several beds none is wider than this, one alone has all there is. */
const SHAPE = 2.05;
const WIDEST = 620;

export function gridOf(beds: number, width: number, height: number): Grid {
  let best: Grid = { columns: 1, rows: 1, wide: width, tall: height };
  let most = 0;
  for (let columns = 1; columns <= Math.max(1, beds); columns += 1) {
    const rows = Math.ceil(Math.max(1, beds) / columns);
    const wide = Math.min(beds > 1 ? WIDEST : width, Math.floor(width / columns));
    const tall = Math.min(Math.floor(height / rows), Math.floor(wide / 1.5));
    const size = Math.min(wide / SHAPE, tall);
    if (size > most) {
      most = size;
      best = { columns, rows, wide, tall };
    }
  }
  return best;
}

/** Which place a point lies in; -1 for none. */
export function placeAt(grid: Grid, x: number, y: number): number {
  const column = Math.floor(x / grid.wide);
  return column < 0 || column >= grid.columns || y < 0 ? -1 : Math.floor(y / grid.tall) * grid.columns + column;
}

/** The place that an arrow key leads to, of `count`. */
export function step(place: number, key: string, columns: number, count: number): number {
  const moves: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
  if (key === 'Home') return 0;
  if (key === 'End') return count - 1;
  const to = place + (moves[key] ?? 0);
  return to < 0 || to >= count ? place : to;
}
