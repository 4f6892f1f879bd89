/** One check: its verdict and Task, how it fared from run to run and by sender and day, and the rows that violate it. */
import { Cells, ProblemView, useFormat, useLoad, useT, useTitle, Waiting } from '@shell';
import { Link, useSearchParams } from 'react-router';
import { said } from './Checks';
import { moment, type One, type Run, type Sender } from './data';
import { Rows } from './Rows';
import { Threshold } from './Threshold';
import look from './quality.module.css';

export default function OneCheck() {
  const t = useT();
  const id = useSearchParams()[0].get('id') ?? '';
  const path = `/rooms/quality/checks/${encodeURIComponent(id)}`;
  const one = useLoad<One>(path);
  useTitle(id);
  return (
    <div className={look.page}>
      <Link to="/quality">{t('quality.back')}</Link>
      <h1 className={`${look.title} ${look.id}`}>{id}</h1>
      {one.problem && <ProblemView problem={one.problem} retry={one.reload} />}
      {!one.value && !one.problem && <Waiting />}
      {one.value && (
        <>
          <p className={look.says}>{said(t, one.value.check.id, one.value.check.says)}</p>
          <Verdict one={one.value} />
          <Threshold key={JSON.stringify(one.value.threshold)} one={one.value} path={path} onSet={one.reload} />
          <Rows path={path} />
          <Trend runs={one.value.trend} />
          <Senders path={path} />
        </>
      )}
    </div>
  );
}

function Verdict({ one }: { one: One }) {
  const t = useT();
  const format = useFormat();
  const verdict = one.verdict;
  if (!verdict) return <p className={look.note}>{t('quality.never')}</p>;
  const words =
    verdict.outcome === 'not-applicable'
      ? t(`quality.why.${verdict.why}`)
      : t('quality.of', { violated: format.number(verdict.violated), total: format.number(verdict.total), percent: String(Number((verdict.percent ?? 0).toFixed(2))), threshold: String(verdict.threshold) });
  return (
    <p className={look.total}>
      <strong>{t(`quality.${verdict.outcome}`)}</strong>. {words} {one.task && t(one.task.status === 'requested' ? 'quality.task.open' : 'quality.task.closed')}
    </p>
  );
}

/** A bar beside the figure it draws: as long as the share, in percent. */
function Bar({ violated, total }: { violated: number; total: number }) {
  if (violated === 0) return null;
  return <span className={look.bar} aria-hidden="true" style={{ width: `${total ? (100 * violated) / total : 0}%` }} />;
}

function share(violated: number, total: number): string {
  return total ? `${Number(((100 * violated) / total).toFixed(2))} %` : '–';
}

function Trend({ runs }: { runs: readonly Run[] }) {
  const t = useT();
  const format = useFormat();
  return (
    <Cells
      title={t('quality.trend')}
      heads={['ran', 'bar', 'violated', 'total', 'percent'].map((name) => t(`quality.${name}`))}
      numbers={2}
      none={t('quality.never')}
      rows={[...runs].reverse().map((run) => ({
        key: String(run.at),
        cells: [
          format.dateTime(moment(run.at)),
          <Bar key="bar" violated={run.violated} total={run.total} />,
          format.number(run.violated),
          format.number(run.total),
          share(run.violated, run.total),
        ],
      }))}
    />
  );
}

function Senders({ path }: { path: string }) {
  const t = useT();
  const format = useFormat();
  const found = useLoad<{ senders: readonly Sender[] }>(`${path}/senders`);
  if (found.problem?.status === 422) return null;
  if (found.problem) return <ProblemView problem={found.problem} retry={found.reload} />;
  if (!found.value) return <Waiting />;
  return (
    <Cells
      title={t('quality.senders')}
      heads={['day', 'sender', 'bar', 'violated', 'total', 'percent'].map((name) => t(`quality.${name}`))}
      numbers={3}
      none={t('quality.norows')}
      rows={[...found.value.senders].reverse().map((one) => ({
        key: `${one.day} ${one.sender}`,
        cells: [
          one.day ?? '–',
          one.sender || t('quality.nobody'),
          <Bar key="bar" violated={one.violated} total={one.total} />,
          format.number(one.violated),
          format.number(one.total),
          share(one.violated, one.total),
        ],
      }))}
    />
  );
}
