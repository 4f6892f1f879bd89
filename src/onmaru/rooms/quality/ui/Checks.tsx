/** The last run: how many checks failed, passed and do not apply, by category, and the list of one state. */
import { Button, SegmentedControl, TextInput } from '@mantine/core';
import { api, Cells, type Problem, ProblemNote, ProblemView, useFormat, useLoad, useT, useTitle, Waiting } from '@shell';
import { useState } from 'react';
import { Link } from 'react-router';
import { chosen, type Last, moment, rate, type State, STATES, type Totals, type Verdict } from './data';
import look from './quality.module.css';

const SHOWN = 100;
/** A run of all checks may take so long, in ms. */
const PATIENCE = 600_000;

export default function Checks() {
  const t = useT();
  const format = useFormat();
  const [state, setState] = useState<State>('failed');
  const last = useLoad<Last>('/rooms/quality/last', { outcome: state });
  const run = useRun(last.reload);
  useTitle(t('quality.title'));
  return (
    <div className={look.page}>
      <div className={look.row}>
        <h1 className={look.title}>{t('quality.title')}</h1>
        <Button loading={run.busy} onClick={run.start}>
          {t('quality.run')}
        </Button>
      </div>
      <p className={look.note} role="status">
        {run.busy ? t('quality.running') : last.value && (last.value.at ? t('quality.at', { at: format.dateTime(moment(last.value.at)), t: format.number(last.value.t) }) : t('quality.never'))}
      </p>
      {run.problem && <ProblemNote problem={run.problem} />}
      {last.problem && <ProblemView problem={last.problem} retry={last.reload} />}
      {!last.value && !last.problem && <Waiting />}
      {last.value && last.value.at > 0 && <Categories totals={last.value.totals} />}
      {last.value && last.value.at > 0 && (
        <SegmentedControl
          aria-label={t('quality.state')}
          value={state}
          onChange={(value) => setState(value as State)}
          data={STATES.map((one) => ({ value: one, label: `${t(`quality.${one}`)} ${format.number(last.value?.totals.all?.[one] ?? 0)}` }))}
        />
      )}
      {last.value && last.value.at > 0 && <Listed key={state} checks={last.value.checks} state={state} />}
    </div>
  );
}

function useRun(done: () => void) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const start = async (): Promise<void> => {
    setBusy(true);
    setProblem(null);
    const outcome = await api.post('/rooms/quality/run', undefined, { limit: PATIENCE });
    setBusy(false);
    if (outcome.ok) done();
    else setProblem(outcome.problem);
  };
  return { busy, problem, start: () => void start() };
}

function Categories({ totals }: { totals: Totals }) {
  const t = useT();
  const format = useFormat();
  const names = Object.keys(totals).sort((a, b) => Number(b === 'all') - Number(a === 'all') || a.localeCompare(b));
  return (
    <Cells
      title={t('quality.categories')}
      heads={[t('quality.category'), ...STATES.map((one) => t(`quality.${one}`)), t('quality.rate')]}
      numbers={1}
      none={t('quality.never')}
      rows={names.map((name) => {
        const passed = rate(totals[name]);
        const counts = STATES.map((one) => format.number(totals[name]?.[one] ?? 0));
        return { key: name, cells: [t(`quality.category.${name}`), ...counts, passed === null ? '–' : `${passed} %`] };
      })}
    />
  );
}

function Listed({ checks, state }: { checks: readonly Verdict[]; state: State }) {
  const t = useT();
  const format = useFormat();
  const [typed, setTyped] = useState('');
  const [shown, setShown] = useState(SHOWN);
  const found = chosen(checks, typed);
  const applies = state !== 'not-applicable';
  return (
    <>
      <TextInput label={t('quality.filter')} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} />
      <Cells
        title={t(`quality.${state}`)}
        heads={['check', 'says', ...(applies ? ['owner', 'violated', 'total', 'percent', 'threshold'] : ['why'])].map((name) => t(`quality.${name}`))}
        numbers={3}
        none={t('quality.none')}
        rows={found.slice(0, shown).map((one) => ({
          key: one.check,
          cells: [
            <Link key="link" className={look.id} to={`/quality/check?id=${encodeURIComponent(one.check)}`}>
              {one.check}
            </Link>,
            said(t, one.check, one.says),
            ...(applies
              ? [one.owner || '–', format.number(one.violated), format.number(one.total), `${Number((one.percent ?? 0).toFixed(2))} %`, `${one.threshold} %`]
              : [t(`quality.why.${one.why}`)]),
          ],
        }))}
      />
      {found.length > shown && (
        <Button variant="default" onClick={() => setShown(shown + SHOWN)}>
          {t('quality.more', { n: format.number(found.length - shown) })}
        </Button>
      )}
    </>
  );
}

/** Our own checks have words in both languages; OHDSI's are told in OHDSI's. */
export function said(t: ReturnType<typeof useT>, id: string, says: string): string {
  const kind = id.split('.')[0] ?? '';
  return OURS.has(kind) ? t(`quality.kind.${kind}`) : says;
}

const OURS: ReadonlySet<string> = new Set([
  'resourceFilled', 'resourcePlaced', 'resourceCoded', 'resourceReference', 'resourceFuture', 'resourceBeforeBirth',
  'resourceAfterDeath', 'resourceOrder', 'resourceOutsideVisit', 'resourceUnit', 'resourceSpread', 'resourceLate', 'messageLate',
  'messageShifted', 'resourceRepeated', 'resourceDisagreeing', 'samePerson', 'messageRepeated', 'messageSex', 'messageBirth', 'resourceValid',
]);
