/** Whether this page may be heard: off until somebody turns it on, then kept by this browser, whose next page may have to be touched first. */
import { useEffect, useState } from 'react';
import { allow } from './sound';

const KEPT = 'onmaru.monitor.sound';

export interface Loud {
  /** What was chosen. */
  on: boolean;
  /** Chosen, but the browser lets nothing be heard until the page is touched. */
  waits: boolean;
  turn: (on: boolean) => void;
}

export function useLoud(): Loud {
  const [on, setOn] = useState(() => localStorage.getItem(KEPT) === 'on');
  const [waits, setWaits] = useState(false);
  useEffect(() => {
    if (!on) return;
    const context = allow();
    const look = (): void => setWaits(context.state !== 'running');
    const touched = (): void => void allow();
    look();
    context.addEventListener('statechange', look);
    document.addEventListener('pointerdown', touched);
    document.addEventListener('keydown', touched);
    return () => {
      context.removeEventListener('statechange', look);
      document.removeEventListener('pointerdown', touched);
      document.removeEventListener('keydown', touched);
      setWaits(false);
    };
  }, [on]);
  const turn = (to: boolean): void => {
    if (to) localStorage.setItem(KEPT, 'on');
    else localStorage.removeItem(KEPT);
    setOn(to);
  };
  return { on, waits, turn };
}

/** Whether it is heard now. */
export const heard = (loud: Loud): boolean => loud.on && !loud.waits;
