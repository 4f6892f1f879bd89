/** Every bed as a row that can be opened: what a phone shows, and what the wall's picture tells to those who do not see it. */
import { useFormat, useT } from '@shell';
import { type KeyboardEvent, memo, useRef, useState } from 'react';
import { Link } from 'react-router';
import { Shape } from '../Shape';
import { type ShownValue, stepped } from './beds';
import { step } from './grid';
import { type Rows, useOrder, useRow } from './rows';
import look from './wall.module.css';

interface ListProps {
  rows: Rows;
  /** Whether it stands beside the picture, unseen. */
  hidden: boolean;
  /** How many columns the arrow keys see. */
  columns: () => number;
  focus: (patient: string) => void;
}

export function List({ rows, hidden, columns, focus }: ListProps) {
  const t = useT();
  const order = useOrder(rows);
  const [chosen, setChosen] = useState('');
  const list = useRef<HTMLOListElement>(null);
  const here = order.includes(chosen) ? chosen : (order[0] ?? '');
  const move = (event: KeyboardEvent): void => {
    if (!/^(Arrow(Left|Right|Up|Down)|Home|End)$/.test(event.key) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const to = order[step(Math.max(0, order.indexOf(here)), event.key, hidden ? columns() : 1, order.length)];
    if (to) list.current?.querySelector<HTMLElement>(`[data-bed="${CSS.escape(to)}"]`)?.focus();
  };
  return (
    <ol
      ref={list}
      className={hidden ? look.unseen : look.list}
      aria-label={t('monitor.wall.beds')}
      onKeyDown={move}
      onFocus={(event) => {
        const patient = event.target.closest<HTMLElement>('[data-bed]')?.dataset['bed'] ?? '';
        setChosen(patient);
        focus(patient);
      }}
      onBlur={() => focus('')}
    >
      {order.map((patient) => (
        <li key={patient}>
          <Row rows={rows} patient={patient} here={patient === here} />
        </li>
      ))}
    </ol>
  );
}

const Row = memo(function Row({ rows, patient, here }: { rows: Rows; patient: string; here: boolean }) {
  const t = useT();
  const row = useRow(rows, patient);
  if (!row) return null;
  return (
    <Link className={look.row ?? ''} to={`/bedside/${patient}`} data-bed={patient} data-level={row.level || 'unknown'} data-condition={row.condition} tabIndex={here ? 0 : -1}>
      <span className={look.place}>
        <strong>{row.bed}</strong> {row.name}
      </span>
      <span className={look.risk}>
        {row.urgency && <span className={look.alerted}><Shape urgency={row.urgency} />{row.taken ? t('monitor.wall.taken') : t('monitor.alert')}</span>}
        <Shape level={row.level} /> <span><span className={look.tiny}>NEWS2</span> {row.score}</span>
      </span>
      <span className={look.numbers}>
        {told(row.values).map((one) => <Value key={one.measure} one={one} />)}
      </span>
      {(row.condition === 'silent' || row.condition === 'clock') && <span className={look.matter}>{t(`monitor.wall.${row.condition}`)}</span>}
      {row.values.length === 0 && <span className={look.tiny}>{t('monitor.wall.none')}</span>}
    </Link>
  );
});

/** Both pressures as one, as people say them. */
function told(values: readonly ShownValue[]): ShownValue[] {
  const low = values.find((one) => one.measure === 'diastolic');
  const both = (one: ShownValue): ShownValue => ({ ...one, measure: 'pressure', value: one.value && `${one.value}/${low?.value || '–'}` });
  return values.filter((one) => one.measure !== 'diastolic').map((one) => (one.measure === 'systolic' ? both(one) : one));
}

/** A number with its unit, greyed with its age once it is old; no number at all once it is too old. */
export function Value({ one }: { one: ShownValue }) {
  const t = useT();
  const format = useFormat();
  const age = stepped(one.seconds);
  return (
    <span className={look.value} data-age={one.age} data-measure={one.measure}>
      <span className={look.tiny}>{t(`monitor.measure.${one.measure}`)}</span>{' '}
      <span>{one.value === '' ? '–' : one.measure === 'pressure' ? one.value : format.quantity(one.value, one.unit)}</span>
      {one.age === 'doubtful' && <small> {t('monitor.wall.doubtful')}</small>}
      {(one.age === 'old' || one.age === 'gone') && <small> {t('monitor.wall.ago', { age: t(`monitor.wall.age.${age.unit}`, { n: age.n }) })}</small>}
    </span>
  );
}
