/** What needs somebody, each with where it is seen to; or that nothing does. */
import { Link } from 'react-router';
import { Notice } from '../../parts/Notice';
import { useKnown } from '../../parts/State';
import { useSession } from '../../session/session';
import { useFormat } from '../../words/format';
import { useT } from '../../words/words';
import look from './operating.module.css';
import { type Matter, matters, type Standing } from './standing';

export function Matters({ standing }: { standing: Standing }) {
  const t = useT();
  const format = useFormat();
  const now = new Date();
  const found = matters(standing, now.getTime());
  if (found.length === 0) return <Notice tone="good" title={t('run.well', { at: format.time(now.toISOString()) })} />;
  return (
    <ul className={look.matters} aria-label={t('run.matters')}>
      {found.map((matter) => (
        <li key={`${matter.key} ${JSON.stringify(matter.values)}`}>
          <Notice tone={matter.grave ? 'alert' : 'warn'} title={<Words matter={matter} />} />
        </li>
      ))}
    </ul>
  );
}

function Words({ matter }: { matter: Matter }) {
  const t = useT();
  const known = useKnown();
  const { has } = useSession();
  const { part, said, ...rest } = matter.values ?? {};
  const text = t(matter.key, part === undefined ? rest : { part: known('run.part', String(part)), said: known('run.said', String(said)) });
  const open = matter.path && (matter.path !== '/subscriptions' || has(['data-manager']));
  return (
    <>
      {text} {open && matter.path && <Link to={matter.path}>{t('run.see')}</Link>}
    </>
  );
}
