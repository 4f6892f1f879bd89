/** Turns sound on and off, and says so where it is chosen and the browser still keeps it back. */
import { useT } from '@shell';
import { Switch } from '@mantine/core';
import look from './monitor.module.css';
import type { Loud } from './useLoud';

export function SoundSwitch({ loud }: { loud: Loud }) {
  const t = useT();
  return (
    <>
      <Switch label={t('monitor.sound')} checked={loud.on} onChange={(event) => loud.turn(event.currentTarget.checked)} />
      {loud.waits && <span role="status" className={look.waits}>{t('monitor.sound.waits')}</span>}
    </>
  );
}
