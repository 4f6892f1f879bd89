/** The wall as a screen of its own: it fills the screen, and the screen does not go dark. */
import { type RefObject, useEffect, useState } from 'react';

interface Lock {
  release: () => Promise<void>;
}

export interface Screen {
  on: boolean;
  enter: () => void;
  leave: () => void;
}

export function useScreen(page: RefObject<HTMLElement | null>): Screen {
  const [on, setOn] = useState(() => new URLSearchParams(location.search).has('screen'));
  useEffect(() => {
    const left = (): void => {
      if (!document.fullscreenElement) setOn(false);
    };
    document.addEventListener('fullscreenchange', left);
    return () => document.removeEventListener('fullscreenchange', left);
  }, []);
  useEffect(() => {
    if (!on) return;
    let lock: Lock | null = null;
    // The browser lets go of it whenever the page is hidden
    const hold = (): void => {
      if (document.visibilityState === 'visible') void navigator.wakeLock?.request('screen').then((one) => (lock = one), () => undefined);
    };
    hold();
    document.addEventListener('visibilitychange', hold);
    return () => {
      document.removeEventListener('visibilitychange', hold);
      void lock?.release();
    };
  }, [on]);
  return {
    on,
    enter: () => {
      setOn(true);
      void page.current?.requestFullscreen?.().catch(() => undefined);
    },
    leave: () => {
      setOn(false);
      if (document.fullscreenElement) void document.exitFullscreen();
    },
  };
}
