/** A long list of rows of one height: only those in sight exist; arrow keys, Home, End and Enter work it. */
import { type KeyboardEvent, type ReactNode, type RefObject, useCallback, useEffect, useImperativeHandle, useRef, useState } from 'react';
import look from './rows.module.css';

export interface RowsHandle {
  focusFirst: () => void;
}

export interface RowsProps {
  label: string;
  count: number;
  /** Pixels; every row has this height. */
  height: number;
  head: ReactNode;
  /** The cells (`role="gridcell"`) of row `index`. */
  row: (index: number) => ReactNode;
  keyOf: (index: number) => string;
  open: (index: number) => void;
  /** Called when the last row comes near. */
  nearEnd?: () => void;
  handle?: RefObject<RowsHandle | null>;
}

const SPARE = 8; // rows kept beyond either edge

export function Rows({ label, count, height, head, row, keyOf, open, nearEnd, handle }: RowsProps) {
  const box = useRef<HTMLDivElement>(null);
  const [sight, setSight] = useState({ top: 0, tall: 800 });
  const [active, setActive] = useState(0);
  const wanted = useRef<number | null>(null);

  const look_ = useCallback(() => {
    const node = box.current;
    if (node) setSight({ top: node.scrollTop, tall: node.clientHeight });
  }, []);

  useEffect(() => {
    const node = box.current;
    if (!node) return;
    const watch = new ResizeObserver(look_);
    watch.observe(node);
    return () => watch.disconnect();
  }, [look_]);

  const first = Math.max(0, Math.floor(sight.top / height) - SPARE);
  const last = Math.min(count, Math.ceil((sight.top + sight.tall) / height) + SPARE);

  useEffect(() => {
    if (last >= count - SPARE) nearEnd?.();
  }, [last, count, nearEnd]);

  useEffect(() => {
    if (wanted.current === null) return;
    const node = box.current?.querySelector<HTMLElement>(`[data-index="${wanted.current}"]`);
    if (!node) return;
    wanted.current = null;
    node.focus({ preventScroll: true });
  });

  const go = useCallback(
    (index: number) => {
      const node = box.current;
      if (!node || count === 0) return;
      const to = Math.max(0, Math.min(count - 1, index));
      const head_ = node.querySelector<HTMLElement>('[data-head]')?.offsetHeight ?? 0;
      if (to * height < node.scrollTop) node.scrollTop = to * height;
      const under = (to + 1) * height + head_ - node.clientHeight;
      if (under > node.scrollTop) node.scrollTop = under;
      wanted.current = to;
      setActive(to);
      look_();
    },
    [count, height, look_],
  );

  useImperativeHandle(handle, () => ({ focusFirst: () => go(0) }), [go]);

  const keys = (event: KeyboardEvent): void => {
    const page = Math.max(1, Math.floor(sight.tall / height) - 1);
    const moves: Record<string, number> = {
      ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + page, PageUp: active - page, Home: 0, End: count - 1,
    };
    const to = moves[event.key];
    if (to !== undefined) go(to);
    else if (event.key === 'Enter' && event.target instanceof HTMLElement && event.target.dataset['index']) open(active);
    else return;
    event.preventDefault();
  };

  const shown = Array.from({ length: Math.max(0, last - first) }, (_, n) => first + n);
  const tabbed = active >= first && active < last ? active : first;
  return (
    <div ref={box} className={look.box} role="grid" aria-label={label} aria-rowcount={count + 1} onScroll={look_} onKeyDown={keys}>
      <div role="row" aria-rowindex={1} className={look.head} data-head>
        {head}
      </div>
      <div role="presentation" className={look.all} style={{ height: count * height }}>
        {shown.map((index) => (
          <div key={keyOf(index)} role="row" aria-rowindex={index + 2} data-index={index} tabIndex={index === tabbed ? 0 : -1} className={look.row} style={{ height, transform: `translateY(${index * height}px)` }} onFocus={() => setActive(index)} onClick={() => open(index)}>
            {row(index)}
          </div>
        ))}
      </div>
    </div>
  );
}
