/** Who is left after each rule, as boxes from top to bottom; beside each step who went and who meets the rule alone. */
import { useFormat, useT } from '@shell';
import type { Found, Step } from './data';
import look from './cohort.module.css';

export function Attrition({ found }: { found: Found }) {
  const t = useT();
  const format = useFormat();
  const most = found.steps[0]?.persons ?? 0;
  const count = (n: number | null): string => (n === null ? t('cohort.few') : format.number(n));
  const name = (step: Step, place: number): string =>
    place === 0 ? t('cohort.step.entry') : place === found.steps.length - 1 ? t('cohort.step.cohort') : step.name || t('cohort.rule', { n: place });
  return (
    <>
      <ol className={look.steps}>
        {found.steps.map((step, place) => {
          const before = place > 0 ? found.steps[place - 1]?.persons : undefined;
          const gone = typeof before === 'number' && step.persons !== null ? before - step.persons : null;
          return (
            <li key={place} data-last={place === found.steps.length - 1 || undefined}>
              {place > 0 && <span className={look.gone}>{gone === null ? t('cohort.gone.few') : t('cohort.gone', { n: format.number(gone) })}</span>}
              <div className={look.box}>
                <span>{name(step, place)}</span>
                <strong>{t('cohort.persons', { n: count(step.persons) })}</strong>
                <progress max={most || 1} value={step.persons ?? 0} aria-label={name(step, place)} />
                {step.alone !== null && <small>{t('cohort.alone', { n: format.number(step.alone) })}</small>}
              </div>
            </li>
          );
        })}
      </ol>
      {found.hidden && <p className={look.quiet}>{t('cohort.hidden')}</p>}
      <dl className={look.facts}>
        <dt>{t('cohort.entries')}</dt>
        <dd>{count(found.entries)}</dd>
        <dt>{t('cohort.t')}</dt>
        <dd>{format.number(found.t)}</dd>
        <dt>{t('cohort.digest')}</dt>
        <dd className="mono">{found.digest.slice(0, 16)}</dd>
      </dl>
    </>
  );
}
