/** A ward: the alerts that are open, every bed with the worst first, and what the alerts cost. It says itself when it is not up to date. */
import { Notice, Panel, useFormat, useT, useTitle, Waiting } from '@shell';
import { Button, NativeSelect, Switch } from '@mantine/core';
import { IconDeviceTv } from '@tabler/icons-react';
import { useState } from 'react';
import { useSearchParams } from 'react-router';
import { AlertList } from './AlertList';
import { AlertPanel } from './AlertPanel';
import { Beds } from './Beds';
import { BudgetLine } from './BudgetLine';
import { iso } from './data';
import look from './monitor.module.css';
import { PushSwitch } from './PushSwitch';
import { allow } from './sound';
import { useShown } from './useShown';
import { useSounding, waiting } from './useSounding';
import { useWard, type Watched } from './useWard';

export default function Ward() {
  const t = useT();
  const format = useFormat();
  // In the address, so that a screen on the wall comes back as it was
  const [said, say] = useSearchParams();
  const ward = said.get('ward') ?? '';
  const wall = said.get('wall') === '1';
  const [chosen, setChosen] = useState('');
  const [loud, setLoud] = useState(false);
  const watched = useWard(ward);
  const { value, now, silent, refused } = watched;
  const set = (name: string, to: string): void => say({ ...Object.fromEntries(said), [name]: to }, { replace: true });
  useTitle(t('monitor.ward'));
  useShown(value?.alerts ?? []);
  useSound(loud, watched);
  const place = (value?.wards ?? []).map((one) => ({ value: one.id, label: t('monitor.ward.option', { name: one.name, n: one.patients }) }));
  const alert = value?.alerts.find((one) => one.id === chosen);
  return (
    <div className={look.page} data-wall={wall || undefined}>
      <header className={look.head}>
        <h1 className={look.title}>{t('monitor.ward')}</h1>
        <NativeSelect aria-label={t('monitor.ward.choose')} value={ward} onChange={(event) => set('ward', event.currentTarget.value)} data={[{ value: '', label: t('monitor.ward.all') }, ...place]} />
        <Switch label={t('monitor.sound')} checked={loud} onChange={(event) => { allow(); setLoud(event.currentTarget.checked); }} />
        <Button variant="default" size="sm" leftSection={<IconDeviceTv size={16} />} aria-pressed={wall} onClick={() => set('wall', wall ? '0' : '1')}>{t('monitor.wall')}</Button>
        <PushSwitch />
        {value && <p className={look.fresh} data-silent={silent > 0}>{t('monitor.at', { at: format.dateTime(iso(value.at), true) })}</p>}
      </header>
      {silent > 0 && (
        <Notice tone="alert" title={t('monitor.silent', { n: Math.round(silent / 1000) })}>
          {t('monitor.silent.text')}
        </Notice>
      )}
      {refused > 0 && silent === 0 && <Notice tone="warn" title={t('monitor.refused')} />}
      {!value && silent === 0 && <Waiting />}
      {value && (
        <div className={look.sides} data-silent={silent > 0}>
          <AlertList alerts={value.alerts} now={now} open={setChosen} />
          <Beds beds={value.beds} alerts={value.alerts} now={now} open={setChosen} />
        </div>
      )}
      {value && <BudgetLine ward={ward} tick={value.alerts.length} />}
      <Panel opened={chosen !== ''} onClose={() => setChosen('')} title={alert?.name ?? t('monitor.alert')} size="lg">
        {chosen && <AlertPanel key={chosen} id={chosen} now={now} silent={silent > 0} changed={watched.reload} close={() => setChosen('')} />}
      </Panel>
    </div>
  );
}

/** Sounds the most urgent alert that nobody has taken, and a silent server. */
function useSound(loud: boolean, { value, silent }: Watched): void {
  const [worst] = waiting(value?.alerts ?? [], value?.at ?? 0);
  useSounding(loud, silent > 0 ? 'silent' : worst?.urgency);
}
