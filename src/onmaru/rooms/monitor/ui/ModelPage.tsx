/** One version of a model: where it stands, its figures, fairness, limits, drift and card, and what it said in shadow. */
import { ProblemView, useFormat, useLoad, useSession, useT, useTitle, Waiting } from '@shell';
import type { ReactNode } from 'react';
import { useParams } from 'react-router';
import { Cards } from './Cards';
import { iso } from './data';
import { Grid } from './Grid';
import { ModelSteps } from './ModelSteps';
import { State } from './Models';
import { type Figures, type Judged, type Model, percent, shown } from './models';
import look from './models.module.css';

export default function ModelPage() {
  const t = useT();
  const { id = '' } = useParams();
  const { has } = useSession();
  const { value, problem, reload } = useLoad<Model>(`/rooms/monitor/models/${id}`);
  useTitle(value ? t('monitor.models.named', { name: value.name, version: value.version }) : t('monitor.models'));
  if (problem) return <ProblemView problem={problem} retry={reload} />;
  if (!value) return <Waiting />;
  return (
    <div className={look.page}>
      <header className={look.row}>
        <h1 className={look.title}>{t('monitor.models.named', { name: value.name, version: value.version })}</h1>
        <State state={value.state} />
      </header>
      <p>{t(`monitor.risk.${value.name}`)}</p>
      <ModelSteps model={value} done={reload} />
      <Part title={t('monitor.models.figures')}><Compared model={value} /></Part>
      {value.figures.groups && <Part title={t('monitor.models.fairness')}><Groups groups={value.figures.groups} /></Part>}
      <Part title={t('monitor.models.watch')}><Watch model={value} /></Part>
      {has(['data-manager']) && <Part title={t('monitor.models.judged')}><Risks id={id} /></Part>}
      <Part title={t('monitor.models.history')}><History model={value} /></Part>
      <details className={look.part}>
        <summary>{t('monitor.models.card')}</summary>
        <Cards text={value.card} />
      </details>
    </div>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={look.part}>
      <h2 className={look.subtitle}>{title}</h2>
      {children}
    </section>
  );
}

/** The model beside NEWS2-type points; of a recalibrated version, before beside after. */
function Compared({ model }: { model: Model }) {
  const t = useT();
  const { figures } = model;
  const [left, right]: [Figures, Figures] = [figures.model ?? {}, figures['NEWS2-type'] ?? {}];
  const rows = Object.keys(left).map((name) => [t(`monitor.figure.${name}`), shown(left[name]), shown(right[name])]);
  const line = [
    [t('monitor.figure.calibration slope'), shown(figures['calibration slope']), '–'],
    [t('monitor.figure.calibration intercept'), shown(figures['calibration intercept']), '–'],
  ];
  const { before, after } = figures;
  return (
    <>
      <Grid title={t('monitor.models.figures')} heads={[t('monitor.models.figure'), t('monitor.models.model'), t('monitor.models.baseline')]} rows={[...rows, ...line]} />
      {before && after && (
        <Grid
          title={t('monitor.models.recalibrated')}
          heads={[t('monitor.models.figure'), t('monitor.models.before'), t('monitor.models.after')]}
          rows={Object.keys(before).map((name) => [t(`monitor.figure.${name}`), shown(before[name]), shown(after[name])])}
        />
      )}
    </>
  );
}

const GROUP = ['stays', 'labelled stays', 'auroc', 'observed', 'expected'];

function Groups({ groups }: { groups: Readonly<Record<string, Figures>> }) {
  const t = useT();
  const rows = Object.entries(groups).map(([name, one]) => [name, ...GROUP.map((column) => shown(one[column]))]);
  return <Grid title={t('monitor.models.fairness')} heads={[t('monitor.models.group'), ...GROUP.map((one) => t(`monitor.figure.${one}`))]} rows={rows} />;
}

function Watch({ model }: { model: Model }) {
  const t = useT();
  const format = useFormat();
  const { watch } = model;
  if (!watch) return <p className={look.quiet}>{t('monitor.models.watch.none')}</p>;
  const inputs = watch.inputs.map((one) => [one.feature, shown(one.psi), shown(one.chance), percent(one['missing then']), percent(one['missing now'])]);
  const months = watch.outcome.map((one) => [
    one.month || t('monitor.models.watch.undated'), String(one.stays), String(one.observed), String(one.expected), shown(one.ratio),
    one.interval ? shown(one.interval) : t('monitor.models.watch.few'), one.drifted ? t('monitor.models.watch.moved') : '',
  ]);
  return (
    <>
      <p className={look.quiet}>{t('monitor.models.watch.of', { at: format.dateTime(iso(watch.at)), who: watch.by, said: watch.said, n: watch.stays })}</p>
      {inputs.length === 0 && <p>{t('monitor.models.watch.still')}</p>}
      {inputs.length > 0 && <Grid title={t('monitor.models.watch.inputs')} heads={['feature', 'psi', 'chance', 'then', 'now'].map((one) => t(`monitor.models.watch.${one}`))} rows={inputs} />}
      <Grid title={t('monitor.models.watch.outcome')} heads={['month', 'stays', 'observed', 'expected', 'ratio', 'interval', 'drifted'].map((one) => t(`monitor.models.watch.${one}`))} rows={months} />
    </>
  );
}

function Risks({ id }: { id: string }) {
  const t = useT();
  const format = useFormat();
  const { value, problem } = useLoad<{ judgements: number; patients: readonly Judged[] }>(`/rooms/monitor/models/${id}/risks`);
  if (problem) return <ProblemView problem={problem} />;
  if (!value) return <Waiting />;
  if (value.patients.length === 0) return <p className={look.quiet}>{t('monitor.models.judged.none')}</p>;
  const rows = value.patients.map((one) => [
    one.patient, format.dateTime(iso(one.at)), one.probability === null ? '–' : percent(one.probability),
    one.interval ? one.interval.map(percent).join('–') : '–', t(`monitor.models.state.${one.state}`),
  ]);
  return <Grid title={t('monitor.models.judged')} heads={['patient', 'at', 'probability', 'interval', 'state'].map((one) => t(`monitor.models.judged.${one}`))} rows={rows} />;
}

function History({ model }: { model: Model }) {
  const t = useT();
  const format = useFormat();
  return (
    <ol className={look.list}>
      {model.steps.map((one) => (
        <li key={`${one.kind} ${one.at}`} data-counts={one.counts}>
          <time dateTime={iso(one.at)}>{format.dateTime(iso(one.at))}</time> <strong>{t(`monitor.models.step.${one.kind}`)}</strong> {one.by}: {one.said}
          {!one.counts && <span className={look.quiet}> ({t('monitor.models.overtaken')})</span>}
        </li>
      ))}
    </ol>
  );
}
