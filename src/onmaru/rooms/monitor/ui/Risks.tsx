/** What active models say of a patient: a draft, as probability with its interval and, opened, what weighed most. */
import { api, useFormat, useT } from '@shell';
import { useCallback, useEffect, useState } from 'react';
import { iso } from './data';
import { parted, percent, type Reason, type Risk } from './models';
import look from './models.module.css';

const EVERY_MS = 20_000;
export type RisksOf = Readonly<Record<string, readonly Risk[]>>;

/** Asked for by itself, so that beds never wait for models; nothing is shown once the server does not answer. */
export function useRisks(): RisksOf {
  const [found, setFound] = useState<RisksOf>({});
  const ask = useCallback(async () => {
    const outcome = await api.get<{ patients: RisksOf }>('/rooms/monitor/risks');
    setFound(outcome.ok ? outcome.value.patients : {});
  }, []);
  useEffect(() => {
    void ask();
    const timer = setInterval(() => void ask(), EVERY_MS);
    return () => clearInterval(timer);
  }, [ask]);
  return found;
}

export function Risks({ risks }: { risks: readonly Risk[] }) {
  return risks.map((one) => <One key={one.model} risk={one} />);
}

function One({ risk }: { risk: Risk }) {
  const t = useT();
  const format = useFormat();
  return (
    <details className={look.risk} data-risk={risk.model}>
      <summary>
        <span className={look.draft}>{t('monitor.risk.draft')}</span> {t(`monitor.risk.${risk.model}`)} <strong>{percent(risk.probability)}</strong>{' '}
        <span className={look.quiet}>({risk.interval.map(percent).join('–')})</span>
      </summary>
      <p className={look.quiet}>{t('monitor.risk.text', { at: format.dateTime(iso(risk.at)), version: risk.version })}</p>
      <ul>
        {risk.reasons.map((one) => (
          <li key={one.feature}><Why reason={one} /></li>
        ))}
      </ul>
    </details>
  );
}

/** One reason in words: what was found, and whether it speaks for or against. */
function Why({ reason }: { reason: Reason }) {
  const t = useT();
  const { column, kind } = parted(reason.feature);
  const key = `monitor.column.${column}`;
  const named = t(key) === key ? column : t(key);
  const value = reason.value === null ? t('monitor.risk.unmeasured') : String(reason.value);
  return <>{kind ? t(`monitor.kind.${kind}`, { what: named }) : named} {value}: {t(reason.weight > 0 ? 'monitor.risk.for' : 'monitor.risk.against')}</>;
}
