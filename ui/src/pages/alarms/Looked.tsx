/** One alarm looked into: the access, what else its user did that day, why they may see the chart; and what came of it. */
import { Button, Textarea } from '@mantine/core';
import { IconListSearch } from '@tabler/icons-react';
import { type FormEvent, lazy, Suspense, useState } from 'react';
import { Link } from 'react-router';
import { api } from '../../net/client';
import { useAct } from '../../net/useAct';
import { Facts } from '../../parts/Facts';
import { Notice } from '../../parts/Notice';
import { ProblemNote } from '../../parts/ProblemNote';
import { useKnown } from '../../parts/State';
import { Waiting } from '../../parts/Waiting';
import { useSession } from '../../session/session';
import { useFormat } from '../../words/format';
import { useT } from '../../words/words';
import page from '../pages.module.css';
import type { Alarm } from './alarm';
import look from './alarms.module.css';

const Decisions = lazy(() => import('../../parts/Decisions'));
const LEAST = 4; // characters, as the server asks (onmaru.web.api.alarms)

export function Looked({ alarm, done }: { alarm: Alarm; done: () => void }) {
  const t = useT();
  const format = useFormat();
  const known = useKnown();
  const [why, setWhy] = useState(false);
  const patient = alarm.patients[0];
  const day = format.date(alarm.at);
  return (
    <div className={look.looked}>
      <Facts
        rows={[
          [t('audit.who'), alarm.user],
          [t('users.roles'), alarm.roles.map((role) => known('role', role)).join(', ')],
          [t('audit.at'), format.dateTime(alarm.at, true)],
          [t('audit.purpose'), alarm.purpose && known('purpose', alarm.purpose)],
          [t('audit.address'), alarm.address],
          [t('audit.patients'), alarm.patients.join(', ')],
          ...(alarm.detail ? ([[t('alarms.detail'), alarm.detail]] as const) : []),
        ]}
      />
      <div className={page.buttons}>
        <Button component={Link} to="/audit" state={{ user: alarm.user, from: day, to: day }} variant="default" leftSection={<IconListSearch size={16} />}>
          {t('alarms.day')}
        </Button>
        {patient && (
          <Button variant="default" onClick={() => setWhy(!why)} aria-expanded={why}>
            {t('alarms.why')}
          </Button>
        )}
      </div>
      {why && patient && (
        <Suspense fallback={<Waiting />}>
          <Decisions resource={`Patient/${patient}`} user={alarm.user} />
        </Suspense>
      )}
      {alarm.closed ? (
        <Notice tone="info" title={t('alarms.closed.by', { user: alarm.closed.user, at: format.dateTime(alarm.closed.at) })}>
          {alarm.closed.reason}
        </Notice>
      ) : (
        <Closing alarm={alarm} done={done} />
      )}
    </div>
  );
}

function Closing({ alarm, done }: { alarm: Alarm; done: () => void }) {
  const t = useT();
  const { session } = useSession();
  const [reason, setReason] = useState('');
  const { busy, problem, act } = useAct();
  if (alarm.user === session.user) return <Notice tone="warn" title={t('alarms.own')} />;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void act(api.post(`/api/alarms/${alarm.number}/close`, { reason: reason.trim() }), done);
  };
  return (
    <form className={page.form} onSubmit={submit}>
      <Textarea label={t('alarms.reason')} description={t('alarms.reason.hint')} value={reason} onChange={(event) => setReason(event.currentTarget.value)} rows={3} maxLength={500} required withAsterisk={false} />
      {problem && <ProblemNote problem={problem} />}
      <Button type="submit" loading={busy} disabled={reason.trim().length < LEAST}>
        {t('alarms.close')}
      </Button>
    </form>
  );
}
