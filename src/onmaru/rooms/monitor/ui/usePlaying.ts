/** A clock that runs from one time (µs) to another at a multiple of real time, and can be set. */
import { useCallback, useEffect, useRef, useState } from 'react';

export interface Playing {
  at: number;
  playing: boolean;
  go: (at: number) => void;
  toggle: () => void;
}

const FRAME_MS = 66;

export function usePlaying(from: number, to: number, speed: number): Playing {
  const [at, setAt] = useState(from);
  const [playing, setPlaying] = useState(false);
  const last = useRef(0);

  useEffect(() => {
    if (!playing) return;
    last.current = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      const passed = (now - last.current) * 1000 * speed;
      last.current = now;
      setAt((old) => Math.min(old + passed, to));
    }, FRAME_MS);
    return () => clearInterval(timer);
  }, [playing, speed, to]);

  useEffect(() => {
    if (at >= to) setPlaying(false);
  }, [at, to]);

  const go = useCallback((when: number) => setAt(Math.min(Math.max(when, from), to)), [from, to]);
  const toggle = useCallback(() => {
    setAt((old) => (old >= to ? from : old));
    setPlaying((old) => !old);
  }, [from, to]);
  return { at, playing, go, toggle };
}
