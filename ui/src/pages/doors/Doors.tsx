/** The doors' health: what came in, what was refused, and the messages that wait for mending. */
import { useLive } from '../../net/useLive';
import { useLoad } from '../../net/useLoad';
import { ProblemView } from '../../parts/ProblemView';
import { State, type Tone, useKnown } from '../../parts/State';
import table from '../../parts/table.module.css';
import { useTitle } from '../../parts/useTitle';
import { Waiting } from '../../parts/Waiting';
import { useFormat } from '../../words/format';
import { useLanguage, useT } from '../../words/words';
import page from '../pages.module.css';
import { DeadLetters } from './DeadLetters';

interface Door {
  name: string;
  kind: string;
  state: string;
  received: number;
  accepted: number;
  rejected: number;
  dead: number;
  last?: string | null;
  /** Since when the counts run: the server's start. */
  since?: string | null;
}

const tones: Record<string, Tone> = { up: 'good', open: 'good', listening: 'good', idle: 'plain', down: 'alert', closed: 'alert', failed: 'alert', alarm: 'alert' };

export default function Doors() {
  const t = useT();
  const language = useLanguage(); // the server tells why a message was refused in the reader's language
  const { tick } = useLive(null);
  const doors = useLoad<{ doors: Door[] }>('/api/doors', {}, tick);
  useTitle(t('doors.title'));
  return (
    <div className={page.page}>
      <header className={page.head}>
        <h1 className={page.title}>{t('doors.title')}</h1>
      </header>
      {doors.problem && <ProblemView problem={doors.problem} retry={doors.reload} />}
      {!doors.value && !doors.problem && <Waiting />}
      {doors.value && <DoorTable doors={doors.value.doors} />}
      <DeadLetters key={language} tick={tick} />
    </div>
  );
}

function DoorTable({ doors }: { doors: readonly Door[] }) {
  const t = useT();
  const format = useFormat();
  const known = useKnown();
  const counts = ['received', 'accepted', 'rejected', 'dead'] as const;
  if (doors.length === 0) return <p className={table.none}>{t('doors.none')}</p>;
  return (
    <div className={table.scroll} role="region" aria-label={t('doors.title')} tabIndex={0}>
      <table className={table.table}>
        <caption>{t('doors.title')}</caption>
        <thead>
          <tr>
            <th scope="col">{t('doors.name')}</th>
            <th scope="col">{t('doors.state')}</th>
            {counts.map((name) => (
              <th key={name} scope="col" className={table.number}>
                {t(`doors.${name}`)}
              </th>
            ))}
            <th scope="col">{t('doors.last')}</th>
            <th scope="col">{t('doors.since')}</th>
          </tr>
        </thead>
        <tbody>
          {doors.map((door) => (
            <tr key={door.name}>
              <th scope="row">
                {door.name} <span className={table.quiet}>{known('door.kind', door.kind)}</span>
              </th>
              <td data-name={t('doors.state')}>
                <State family="door.state" code={door.state} tone={tones[door.state] ?? 'plain'} />
              </td>
              {counts.map((name) => (
                <td key={name} data-name={t(`doors.${name}`)} className={table.number}>
                  {format.number(door[name])}
                </td>
              ))}
              <td data-name={t('doors.last')} className={table.nowrap}>
                {format.dateTime(door.last, true) || '–'}
              </td>
              <td data-name={t('doors.since')} className={table.nowrap}>
                {format.dateTime(door.since) || '–'}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
