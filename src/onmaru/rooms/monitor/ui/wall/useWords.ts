/** The few words that the picture itself writes; one object a language. */
import { useLanguage, useT } from '@shell';
import { useMemo } from 'react';
import type { Words } from './tile';

export function useWords(): Words {
  const t = useT();
  const language = useLanguage();
  return useMemo(
    () => ({
      short: { 'heart-rate': 'HR', 'oxygen-saturation': 'SpO₂', 'respiratory-rate': 'RR', systolic: 'BP', temperature: 'T' },
      ages: { s: t('monitor.wall.age.s'), min: t('monitor.wall.age.min'), h: t('monitor.wall.age.h') },
      silent: t('monitor.wall.silent'),
      clock: t('monitor.wall.clock'),
      none: t('monitor.wall.none'),
    }),
    // `t` speaks the language of the moment
    [language, t],
  );
}
