/** One measure by seven dimensions: groups with intervals, WHO's measures, where the gap opens, and what is missing. */
import { ProblemView, useFormat, useLoad, useT, useTitle, Waiting } from '@shell';
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { IconPrinter } from '@tabler/icons-react';
import { Link, useSearchParams } from 'react-router';
import { type BoardAnswer, lastYear, type MeasureName } from './data';
import { DimensionCard } from './DimensionCard';
import look from './equity.module.css';

export default function Board() {
  const t = useT();
  const [said, say] = useSearchParams();
  const list = useLoad<{ measures: readonly MeasureName[] }>('/rooms/equity/measures');
  const measure = said.get('measure') ?? list.value?.measures[0]?.id ?? '';
  const year = said.get('year') ?? String(lastYear(new Date()));
  const whole = /^(19|20)\d\d$/.test(year);
  const board = useLoad<BoardAnswer>(measure && whole ? '/rooms/equity/board' : null, { measure, year });
  useTitle(t('equity.title'));
  const set = (name: string, value: string): void => say({ measure, year, [name]: value }, { replace: true });
  return (
    <div className={look.page}>
      <header className={look.head}>
        <h1 className={look.title}>{t('equity.title')}</h1>
        <Button variant="default" size="sm" leftSection={<IconPrinter size={16} />} onClick={() => window.print()} className={look.screen}>{t('equity.print')}</Button>
      </header>
      <p className={look.quiet}>{t('equity.note')}</p>
      {list.problem && <ProblemView problem={list.problem} retry={list.reload} />}
      {list.value?.measures.length === 0 && <p className={look.plain}>{t('equity.none')} <Link to="/measures">{t('equity.toMeasures')}</Link></p>}
      {list.value && list.value.measures.length > 0 && (
        <div className={look.fields}>
          <NativeSelect label={t('equity.measure')} value={measure} onChange={(event) => set('measure', event.currentTarget.value)} data={list.value.measures.map((one) => ({ value: one.id, label: one.title || one.id }))} className={look.wide} />
          <TextInput label={t('equity.year')} value={year} inputMode="numeric" maxLength={4} onChange={(event) => set('year', event.currentTarget.value)} className={look.number} error={whole ? undefined : t('equity.year.wrong')} />
        </div>
      )}
      {board.problem && <ProblemView problem={board.problem} retry={board.reload} />}
      {((!list.value && !list.problem) || (board.loading && measure && whole)) && <Waiting />}
      {board.value && whole && <Found found={board.value} />}
    </div>
  );
}

function Found({ found }: { found: BoardAnswer }) {
  const t = useT();
  const format = useFormat();
  return (
    <>
      <p className={look.plain}>
        <strong>{found.title}</strong> · {found.year} · {t(`equity.better.${found.better}`)} · {t('equity.least', { n: found.least })}
      </p>
      {found.dimensions.every((one) => one.lines.length === 0) && <p className={look.plain}>{t('equity.nobody')}</p>}
      <div className={look.cards}>
        {found.dimensions.map((one) => <DimensionCard key={one.name} one={one} board={found} />)}
      </div>
      <footer className={look.quiet}>
        {t('equity.made', { t: format.number(found.t), version: found.version, digest: found.digest.slice(0, 12) })}
        {found.regions && <> · {t('equity.regions', { source: found.regions })}</>}
      </footer>
    </>
  );
}
