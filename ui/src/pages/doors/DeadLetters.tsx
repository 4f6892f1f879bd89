/** The messages that could not be taken, newest first, each opening its own page. */
import { Button, SegmentedControl } from '@mantine/core';
import { useEffect, useState } from 'react';
import { Link } from 'react-router';
import { usePages } from '../../net/usePages';
import { ProblemView } from '../../parts/ProblemView';
import { State, useKnown } from '../../parts/State';
import table from '../../parts/table.module.css';
import { useFormat } from '../../words/format';
import { useT } from '../../words/words';
import page from '../pages.module.css';
import { type Letter, letterTones } from './letter';

const STATES = ['open', 'replayed'] as const;

export function DeadLetters({ tick }: { tick: number }) {
  const t = useT();
  const format = useFormat();
  const known = useKnown();
  const [state, setState] = useState<string>('open');
  const letters = usePages<Letter>('/api/dead-letters', { state });
  const { reload } = letters;
  useEffect(() => {
    if (tick > 0) reload();
  }, [tick, reload]);
  return (
    <div className={page.section}>
      <header className={page.head}>
        <h2 className={page.subtitle}>
          {t('dead.title')}
        </h2>
        <span className={page.count} role="status">
          {letters.fresh && !letters.problem && t('dead.count', { n: format.number(letters.total) })}
        </span>
        <SegmentedControl className={page.end ?? ''} size="xs" aria-label={t('dead.state')} value={state} onChange={setState} data={STATES.map((value) => ({ value, label: t(`dead.show.${value}`) }))} />
      </header>
      {letters.problem && <ProblemView problem={letters.problem} retry={letters.reload} />}
      {letters.fresh && !letters.problem && letters.items.length === 0 && <p className={table.none}>{t('dead.none')}</p>}
      {letters.items.length > 0 && (
        <div className={table.scroll} role="region" aria-label={t('dead.title')} tabIndex={0}>
          <table className={table.table}>
            <caption>{t('dead.title')}</caption>
            <thead>
              <tr>
                {['dead.reason', 'dead.where', 'dead.at', 'dead.door', 'dead.size', 'dead.state'].map((key) => (
                  <th key={key} scope="col" className={key === 'dead.size' ? table.number : undefined}>
                    {t(key)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {letters.items.map((letter) => (
                <tr key={letter.id}>
                  <th scope="row">
                    <Link to={`/doors/dead/${encodeURIComponent(letter.id)}`}>{letter.reason || t('dead.unexplained')}</Link>
                  </th>
                  <td data-name={t('dead.where')} className="mono">
                    {letter.where}
                  </td>
                  <td data-name={t('dead.at')} className={table.nowrap}>
                    {format.dateTime(letter.at, true)}
                  </td>
                  <td data-name={t('dead.door')}>
                    <span>
                      {letter.door} <span className={table.quiet}>{known('door.format', letter.format)}</span>
                    </span>
                  </td>
                  <td data-name={t('dead.size')} className={table.number}>
                    {format.number(letter.size)} B
                  </td>
                  <td data-name={t('dead.state')}>
                    <State family="dead.state" code={letter.state} tone={letterTones[letter.state] ?? 'plain'} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {letters.cursor && (
        <div className={table.more}>
          <Button variant="default" onClick={letters.more} loading={letters.loading}>
            {t('more')}
          </Button>
        </div>
      )}
    </div>
  );
}
