/** A ward: the alerts that are open, every bed with the worst first, and what the alerts cost. It says itself when it is not up to date. */
import { Notice, Panel, useFormat, useT, useTitle, Waiting } from '@shell';
import { Button, NativeSelect } from '@mantine/core';
import { IconClipboardList, IconDeviceTv } from '@tabler/icons-react';
import { useState } from 'react';
import { Link, useSearchParams } from 'react-router';
import { AlertList } from './AlertList';
import { AlertPanel } from './AlertPanel';
import { Beds } from './Beds';
import { BudgetLine } from './BudgetLine';
import { iso } from './data';
import look from './monitor.module.css';
import { PushSwitch } from './PushSwitch';
import { SoundSwitch } from './SoundSwitch';
import { heard, type Loud, useLoud } from './useLoud';
import { useShown } from './useShown';
import { useSounding, waiting } from './useSounding';
import { useWard, type Watched } from './useWard';

export default function Ward() {
  const t = useT();
  const format = useFormat();
  const [said, say] = useSearchParams();
  const ward = said.get('ward') ?? '';
  // A push that was touched names its alert
  const [chosen, setChosen] = useState(said.get('alert') ?? '');
  const loud = useLoud();
  const watched = useWard(ward);
  const { value, now, silent, refused } = watched;
  useTitle(t('monitor.ward'));
  useShown(value?.alerts ?? []);
  useSound(loud, watched);
  const place = (value?.wards ?? []).map((one) => ({ value: one.id, label: t('monitor.ward.option', { name: one.name, n: one.patients }) }));
  const close = (): void => {
    setChosen('');
    if (said.has('alert')) say(ward ? { ward } : {}, { replace: true });
  };
  const here = ward ? `?ward=${ward}` : '';
  const alert = value?.alerts.find((one) => one.id === chosen);
  return (
    <div className={look.page}>
      <header className={look.head}>
        <h1 className={look.title}>{t('monitor.ward')}</h1>
        <NativeSelect aria-label={t('monitor.ward.choose')} value={ward} onChange={(event) => say(event.currentTarget.value ? { ward: event.currentTarget.value } : {}, { replace: true })} data={[{ value: '', label: t('monitor.ward.all') }, ...place]} />
        <SoundSwitch loud={loud} />
        <Button component={Link} to={`/handover${here}`} variant="default" size="sm" leftSection={<IconClipboardList size={16} />}>{t('monitor.handover.open')}</Button>
        <Button component={Link} to={`/wall${here}`} variant="default" size="sm" leftSection={<IconDeviceTv size={16} />}>{t('monitor.wall.title')}</Button>
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
      <Panel opened={chosen !== ''} onClose={close} title={alert?.name ?? t('monitor.alert')} size="lg">
        {chosen && <AlertPanel key={chosen} id={chosen} now={now} silent={silent > 0} changed={watched.reload} close={close} />}
      </Panel>
    </div>
  );
}

/** Sounds the most urgent alert that nobody has taken, and a silent server. */
function useSound(loud: Loud, { value, silent }: Watched): void {
  const [worst] = waiting(value?.alerts ?? [], value?.at ?? 0);
  useSounding(heard(loud), silent > 0 ? 'silent' : worst?.urgency);
}
