/** One tenant: what is known of it, and the acts that its state allows. */
import { Button } from '@mantine/core';
import { IconChevronLeft } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { Link, useParams } from 'react-router';
import { api } from '../../net/client';
import { useLoad } from '../../net/useLoad';
import { Ask } from '../../parts/Ask';
import { Facts } from '../../parts/Facts';
import { Notice } from '../../parts/Notice';
import { ProblemView } from '../../parts/ProblemView';
import { Section } from '../../parts/Section';
import { State, useKnown } from '../../parts/State';
import { useTitle } from '../../parts/useTitle';
import { Waiting } from '../../parts/Waiting';
import { useFormat } from '../../words/format';
import { useT } from '../../words/words';
import page from '../pages.module.css';
import { Destroy } from './Destroy';
import { Export } from './Export';
import { LimitForm } from './LimitForm';
import { useLimitWords } from './limitWords';
import { gone, instant, tones, type Whole } from './tenant';
import look from './tenants.module.css';
import './words';

const ALWAYS = ['main', 'house']; // never destroyed; the house is never suspended either (onmaru.app.keeping)
const AGAIN_MS = 2_000;

type Doing = 'suspend' | 'resume' | 'limit' | 'export' | 'destroy' | null;

export default function OneTenant() {
  const t = useT();
  const tenant = useParams()['tenant'] ?? '';
  useTitle(t('tenants.title'));
  return (
    <div className={`${page.page} ${page.narrow}`}>
      <header className={page.head}>
        <Link to="/tenants" className={page.back}>
          <IconChevronLeft size={16} aria-hidden /> {t('tenants.title')}
        </Link>
        <h1 className={page.title}>{tenant}</h1>
      </header>
      <Kept key={tenant} tenant={tenant} />
    </div>
  );
}

function Kept({ tenant }: { tenant: string }) {
  const t = useT();
  const [tick, setTick] = useState(0);
  const [doing, setDoing] = useState<Doing>(null);
  const whole = useLoad<Whole>(`/api/tenants/${encodeURIComponent(tenant)}`, {}, tick);
  const exporting = whole.value?.exporting ?? false;
  useEffect(() => {
    if (!exporting) return;
    const timer = setTimeout(() => setTick((n) => n + 1), AGAIN_MS);
    return () => clearTimeout(timer);
  }, [exporting, tick]);
  if (whole.problem) return <ProblemView problem={whole.problem} retry={whole.reload} />;
  if (!whole.value) return <Waiting />;
  const done = (): void => {
    setDoing(null);
    whole.reload();
  };
  const acts = offered(whole.value);
  const { state } = whole.value;
  return (
    <Section title={t('tenants.whole')}>
      <Told whole={whole.value} />
      {exporting && <Notice tone="info" title={t('tenants.exporting')} />}
      <div className={page.buttons}>
        {acts.map((act) => (
          <Button key={act} variant={act === 'destroy' ? 'light' : 'default'} color={act === 'destroy' ? 'red' : undefined} className={act === 'destroy' ? (look.grave ?? '') : ''} disabled={act === 'export' && exporting} onClick={() => setDoing(act)}>
            {t(`tenants.act.${act}`)}
          </Button>
        ))}
      </div>
      {(doing === 'suspend' || doing === 'resume') && (
        <Ask title={t(`tenants.act.${doing}`)} warning={t(`tenants.${doing}.text`, { tenant })} confirm={t(`tenants.act.${doing}`)} grave={doing === 'suspend'} reason={t('tenants.reason')} least={doing === 'suspend' ? 1 : 0} act={(reason) => api.post(`/api/tenants/${encodeURIComponent(tenant)}/${doing}`, { reason })} done={done} close={() => setDoing(null)} />
      )}
      {doing === 'limit' && <LimitForm tenant={tenant} limits={whole.value.limits} close={() => setDoing(null)} done={done} />}
      {doing === 'export' && <Export tenant={tenant} begun={() => whole.reload()} close={() => setDoing(null)} />}
      {doing === 'destroy' && <Destroy tenant={tenant} suspended={state === 'suspended'} close={() => setDoing(null)} done={done} />}
    </Section>
  );
}

function offered({ tenant, state }: Whole): Exclude<Doing, null>[] {
  if (gone(state)) return [];
  const turn = tenant === 'house' ? [] : state === 'open' ? (['suspend'] as const) : (['resume'] as const);
  return [...turn, 'limit', 'export', ...(ALWAYS.includes(tenant) ? [] : (['destroy'] as const))];
}

function Told({ whole }: { whole: Whole }) {
  const t = useT();
  const format = useFormat();
  const known = useKnown();
  const limits = useLimitWords();
  const number = (value: number | undefined): string => (value === undefined ? '' : format.number(value));
  return (
    <Facts
      rows={[
        [t('tenants.state'), <State key="state" family="tenants.state" code={whole.state} tone={tones[whole.state]} />],
        [t('tenants.entries'), format.number(whole.entries)],
        [t('tenants.users'), number(whole.users)],
        [t('tenants.engine'), whole.engine && known('tenants.engine', whole.engine)],
        [t('tenants.key'), whole.key && known('tenants.key', whole.key)],
        [t('tenants.limits'), limits(whole.limits) || t('tenants.limits.none')],
        [t('tenants.exported'), whole.exported && format.dateTime(instant(whole.exported.at))],
        [t('tenants.changed'), whole.at ? `${format.dateTime(instant(whole.at))} ${whole.by}` : ''],
        ...(whole.reason ? ([[t('tenants.reason'), whole.reason]] as const) : []),
        ...(whole.transferred ? ([[t('tenants.transferred'), whole.transferred]] as const) : []),
      ]}
    />
  );
}
